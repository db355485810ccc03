#include "run/dry_run.hpp"

#include <map>

#include "pg/transaction.hpp"
#include "run/halves.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

using Text = std::optional<std::string>;

std::map<std::string, Text> images(pg::Statement& statement, pg::Relation& scratch) {
  scratch.clear();
  statement.read(scratch);
  std::map<std::string, Text> all;
  for (std::uint64_t i = 0; i < scratch.rows(); ++i) {
    const json::Document row = json::parse(scratch.row_json(i), "a row");
    all[std::string(json::text(row["key"]))] = json::text_member(row, "row");
  }
  return all;
}

struct Table {
  Table(const Plan& p, pg::Relation& page)
      : plan(p),
        sink(p.upsert, p.keys),
        images(compile::images_sql(p.upsert), {}, {{"input", &page}}, pg::Planning::kFree),
        scratch(images.columns(), true) {
    sink.open(page);
  }
  const Plan& plan;
  sink::TableSink sink;
  pg::Statement images;
  pg::Relation scratch;
};

// {"key": value, …} of a record.
std::string key_of(const Plan& plan, const std::string& record) {
  const json::Document row = json::parse(record, "a row");
  json::Object key;
  for (const std::string& name : plan.keys) key.add_raw(name.c_str(), json::write(row[name.c_str()]));
  return key.str();
}

// False: the batch was taken back, and why is told. With option on_error "quarantine" only the rows that fail are.
bool write_or_tell(Table& table, pg::Relation& page, const std::string& batch, const Emit& emit) {
  pg::Subtransaction attempt;
  try {
    (void)table.sink.write(page);
    pg::check_deferred_constraints();
    attempt.release();
    return true;
  } catch (const Error& error) {
    attempt.rollback();
    if (!table.plan.options.quarantine || classify(error.sqlstate) != ErrorClass::kData) {
      emit({batch, "error", {}, {}, {}, {}, error.sqlstate, error.message});
      return false;
    }
  }
  (void)table.sink.use_on_conflict();
  (void)write_by_halves(page, table.sink, [&](pg::Relation& rows, std::uint64_t index, const Error& error) {
    const std::string record = rows.row_json(index);
    emit({batch, "error", key_of(table.plan, record), {}, {}, record, error.sqlstate, error.message});
  });
  table.sink.use_merge();
  return true;
}

// One batch in a subtransaction of its own, so that a failing one can be reported and the next one tried.
void try_batch(Table& table, pg::Relation& page, const std::string& batch, const Emit& emit) {
  const std::map<std::string, Text> before = images(table.images, table.scratch);
  if (!write_or_tell(table, page, batch, emit)) return;
  const std::map<std::string, Text> after = images(table.images, table.scratch);
  for (const auto& [key, row] : after) {
    if (!row) continue;  // it could not be written
    const auto was = before.find(key);
    const Text old = was == before.end() ? std::nullopt : was->second;
    const char* action = !old ? "insert" : old == row ? "unchanged" : "update";
    emit({batch, action, key, old, row, std::nullopt, std::nullopt, std::nullopt});
  }
}

}  // namespace

std::optional<pg::Key> resume_position(const Plan& plan) {
  if (plan.definition.mode != "incremental") return std::nullopt;
  const auto checkpoints = catalog::read_checkpoints(plan.definition.id);
  if (checkpoints.empty() || !checkpoints[0].position) return std::nullopt;
  check_position(plan, checkpoints[0].position_types);
  return checkpoints[0].position;
}

void dry_run(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  if (!plan.table) return dry_run_documents(plan, arguments, emit);
  source::SqlSource source(source_spec(plan, {}));
  source.open();
  const auto page = source.make_page(false);
  page->clear();
  Table table(plan, *page);
  std::optional<pg::Key> position = resume_position(plan);
  const std::int64_t batches = arguments["batches"].GetInt64();
  bool more = true;
  for (std::int64_t i = 1; i <= batches && more; ++i) {
    more = source.read(position, *page);
    position = page->last_position();
    if (page->rows() > 0) try_batch(table, *page, std::to_string(i), emit);
  }
}

}  // namespace etl::run
