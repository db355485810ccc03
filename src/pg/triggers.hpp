// Triggers of a table and its partitions, those of constraints among them.
#pragma once

namespace etl::pg {

// Whether one of them waits for the end of the transaction, as of a deferred constraint. Locks all of them as a writer
// does.
bool has_deferred_trigger(unsigned table);

}  // namespace etl::pg
