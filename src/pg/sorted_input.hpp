// Tells the planner that a named relation is sorted, which nothing else could: a merge join then takes its rows as they
// come. For pg/*.cpp only. C only.
#pragma once

#include "pg/store.hpp"

namespace etl::pg {

struct SortedInput {
  const char* name;
  TupleDesc shape;
  int columns;         // 0: it is not sorted
  AttrNumber* column;  // ascending, in the default order of their types and in their collations
};

// Of a relation that is sorted by its watched key, the columns in that order.
SortedInput sorted_input(const char* name, const Relation::Store* store);

// What is planned from now on may use the order of `input`, until another one or nullptr is announced.
void announce_sorted(const SortedInput* input);

}  // namespace etl::pg
