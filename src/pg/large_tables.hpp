// Tells the planner that every table is large. A plan that is made for a target while it is small, and used while it
// grows, must look each row up by the index: for a small table, to read all of it looks as cheap. For pg/*.cpp only. C
// only.
#pragma once

namespace etl::pg {

// What is planned from now on, until false is said.
void plan_as_large(bool large);

}  // namespace etl::pg
