// Who is writing: transactions that may still commit rows below a mark. Read with the rights of the extension's owner,
// since a session cannot see when other roles' transactions began.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace etl::catalog {

struct Oldest {
  std::int64_t taken_us = 0;  // when the look was taken
  std::int64_t start_us = 0;  // start of the oldest running transaction of this database, now if there is none
  bool unknown = false;       // a live transaction whose start is hidden (track_activities = off)
  std::optional<int> pid;
  std::vector<std::string> prepared;  // gids of prepared transactions that hold a write lock on one of the tables
};
// tables: OIDs; what inherits from them counts too, as partitions do.
Oldest oldest_transaction(const std::vector<unsigned>& tables);

struct Holder {
  std::string transaction;  // virtual transaction id
  std::optional<int> pid;   // none: prepared
  std::optional<std::string> since;
};
// Transactions that hold a write lock on one of the tables, or on one that inherits from it.
std::vector<Holder> write_holders(const std::vector<unsigned>& tables);
// Writers on the tables that have run for longer than `ms`.
std::vector<Holder> holders_older_than(const std::vector<unsigned>& tables, std::int64_t ms);

std::string timestamp_text(std::int64_t us);  // timestamptz in the session's format, ISO with offset

}  // namespace etl::catalog
