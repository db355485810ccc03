#include "sink/swap.hpp"

#include <algorithm>
#include <string>

#include "core/json.hpp"
#include "pg/statement.hpp"
#include "pg/table_swap.hpp"
#include "pg/transaction.hpp"
#include "pg/wait.hpp"

namespace etl::sink {

namespace {

constexpr std::uint64_t kLeastBytes = 1 << 20;
constexpr std::uint64_t kSample = 500;  // rows
// So many times the rows' size, and most of the table is about to go.
constexpr std::uint64_t kMuchLarger = 4;
// How long it waits, out of everybody's way, until nobody reads the table.
constexpr int kTries = 200;
constexpr long kPauseMs = 5;

bool wait_until_alone(unsigned table) {
  for (int i = 0; i < kTries; ++i) {
    if (pg::try_lock(table, pg::Lock::kAll)) return true;
    (void)pg::wait_for_sockets({}, kPauseMs);
  }
  return false;
}

Replaced count(const compile::Upsert& upsert, pg::Relation& rows) {
  pg::Statement look(compile::replaced_sql(upsert), {}, {{"input", &rows, static_cast<double>(rows.rows())}},
                     pg::Planning::kFree);
  pg::Relation one(look.columns(), false);
  one.clear();
  look.read(one);
  const json::Document found = json::parse(one.row_json(0), "counts");
  const auto number = [&](const char* name) { return std::stoull(*json::text_member(found, name)); };
  Replaced replaced;
  replaced.written.inserted = number("inserted");
  replaced.written.updated = number("updated");
  replaced.written.unchanged = rows.rows() - replaced.written.inserted - replaced.written.updated;
  replaced.deleted = number("deleted");
  return replaced;
}

}  // namespace

Swap::Swap(compile::Upsert upsert, unsigned table, std::size_t columns, pg::Relation& rows)
    : upsert_(std::move(upsert)), table_(table), columns_(columns), rows_(rows), last_of_key_(rows, upsert_) {}

// An upsert leaves the other columns of a row as they are.
bool Swap::writes_whole_rows() const {
  const auto written = std::count_if(upsert_.columns.begin(), upsert_.columns.end(),
                                     [](const compile::UpsertColumn& c) { return c.key || c.set; });
  return static_cast<std::size_t>(written) == columns_;
}

bool Swap::pays() {
  const std::uint64_t there = pg::table_bytes(table_);
  if (rows_.bytes() + there < kLeastBytes) return false;
  if (there > kMuchLarger * rows_.bytes()) return true;
  pg::Relation sample(rows_.columns(), false);
  rows_.copy_every(sample, 1 + rows_.rows() / kSample);
  pg::Statement look(compile::changed_sql(upsert_), {}, {{"input", &sample}}, pg::Planning::kIndexProbe);
  pg::Relation changed(look.columns(), false);
  changed.clear();
  look.read(changed);
  return changed.rows() > sample.rows() / 2;
}

std::optional<Replaced> Swap::replace(pg::Relation& rows) {
  pg::Statement insert(compile::insert_sql(upsert_), {}, {{"input", &rows}}, pg::Planning::kFree);
  if (!insert.inserts_in_bulk()) return std::nullopt;
  Replaced replaced = count(upsert_, rows);
  replaced.written.superseded = rows_.rows() - rows.rows();
  pg::Subtransaction attempt;
  const unsigned file = pg::make_file(table_);
  const bool may = pg::may_swap(table_);
  const std::uint64_t filled = may ? insert.fill(file) : 0;
  if (!may || !wait_until_alone(table_)) {
    attempt.rollback();
    return std::nullopt;
  }
  pg::swap_file(table_, file, filled);
  attempt.release();
  return replaced;
}

std::optional<Replaced> Swap::try_run() {
  if (!writes_whole_rows() || !pg::may_swap(table_) || !pays()) return std::nullopt;
  if (!pg::try_lock(table_, pg::Lock::kWriters) || !pg::may_swap(table_)) return std::nullopt;
  return replace(last_of_key_.reduce());
}

}  // namespace etl::sink
