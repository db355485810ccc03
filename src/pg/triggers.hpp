// Triggers of a table and its partitions, those of constraints among them.
#pragma once

#include <string>

namespace etl::pg {

// Both lock the table and its partitions as a writer does until the end of the transaction: no trigger comes or goes
// meanwhile.

// The functions that they run.
std::string trigger_functions(unsigned table);

// Whether one of them waits for the end of the transaction, as of a deferred constraint.
bool has_deferred_trigger(unsigned table);

}  // namespace etl::pg
