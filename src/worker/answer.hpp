// Questions that need the owner's session (preview, dry_run, explain): asked in the caller's session, answered by a
// worker that is connected as the owner, over a queue in shared memory. So no function of the owner ever runs with the
// caller's rights (internals.md 20).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/definition.hpp"
#include "pg/process.hpp"

namespace etl::worker {

using Row = std::vector<std::optional<std::string>>;

struct Question {
  std::string kind;  // preview | dry_run | explain | truncate | replay
  std::int64_t pipeline = 0;
  std::string arguments = "{}";  // JSON
};

// Asks and waits for all rows. The worker's error is thrown as it was; 53000 when no worker slot is free, 25006 on a
// hot standby, 55P03 when the worker waits for a lock of the asker's own transaction.
std::vector<Row> ask(const Question& question, const model::Definition& definition);

// The worker's side.
void answer(const pg::Task& task);

}  // namespace etl::worker
