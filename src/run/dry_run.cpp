#include "run/dry_run.hpp"

#include <map>

#include "pg/transaction.hpp"
#include "run/dead_rows.hpp"
#include "run/flow.hpp"
#include "run/table_loop.hpp"
#include "sink/elastic_sink.hpp"

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

// A target, and how a batch would change it.
struct Table {
  Table(const Plan& p, std::size_t index, pg::Relation& input)
      : plan(p), about(p.sinks[index]), page(input), sink(make_sink(p, index, 0)), sweep(make_sweep(about, input)) {
    sink->open(page);
    if (about.keys.empty() || about.write.mode == model::WriteMode::kAppend) return;
    images = std::make_unique<pg::Statement>(
        compile::images_sql(about.upsert, about.history ? about.history->valid_to : ""), std::vector<unsigned>{},
        std::vector{pg::NamedRelation{"input", &page}}, pg::Planning::kFree);
    scratch = std::make_unique<pg::Relation>(images->columns(), true);
  }
  const Plan& plan;
  const SinkPlan& about;
  pg::Relation& page;
  std::unique_ptr<sink::PageSink> sink;
  std::unique_ptr<sink::Sweep> sweep;
  std::unique_ptr<pg::Statement> images;  // of the rows with the batch's keys; nullptr: rows are only added
  std::unique_ptr<pg::Relation> scratch;
};

// {"key": value, …} of a record.
std::string key_of(const std::vector<std::string>& keys, const std::string& record) {
  const json::Document row = json::parse(record, "a row");
  json::Object key;
  for (const std::string& name : keys) key.add_raw(name.c_str(), json::write(row[name.c_str()]));
  return key.str();
}

// False: the batch was taken back, and why is told. With option on_error "quarantine" only the rows that fail are.
bool write_or_tell(Table& table, const std::string& batch, const Emit& emit) {
  const bool sole = table.plan.sinks.size() == 1;
  std::optional<Error> failure = failure_of([&] {
    (void)table.sink->write(table.page);
    if (sole) pg::check_deferred_constraints();
  });
  if (failure && table.plan.options.quarantine && classify(failure->sqlstate) == ErrorClass::kData) {
    (void)table.sink->use_on_conflict();
    failure = failure_of([&] {
      (void)write_by_halves(table.page, *table.sink, sole, [&](pg::Relation& row, std::uint64_t, const Error& error) {
        const std::string record = row.row_json(0);
        emit({batch, "error", key_of(table.about.keys, record), {}, {}, record, error.sqlstate, error.message});
      });
    });
    table.sink->use_merge();
  }
  if (failure) emit({batch, "error", {}, {}, {}, {}, failure->sqlstate, failure->message});
  return !failure;
}

// Of several sinks together, as at COMMIT. False: they fail, and why is told.
bool check_or_tell(const std::string& batch, const Emit& emit) {
  const std::optional<Error> failure = failure_of([] { pg::check_deferred_constraints(); });
  if (failure) emit({batch, "error", {}, {}, {}, {}, failure->sqlstate, failure->message});
  return !failure;
}

// Version 0 would be refused by nobody, but nothing of a dry run is ever sent.
constexpr std::int64_t kShownVersion = 1;

void tell_documents(const sink::Batch& batch, const std::string& number, const Emit& emit) {
  for (const sink::BulkBody& body : batch.bodies) {
    for (const sink::BulkRow& row : body.rows) {
      const std::string lines = body.text->substr(row.begin, row.end - row.begin);
      emit({number, "index", json::Object().add("_id", row.id).str(), std::nullopt, lines.substr(lines.find('\n') + 1),
            lines, std::nullopt, std::nullopt});
    }
  }
  for (const sink::DeadRow& row : batch.dead) {
    emit({number, "error", std::nullopt, std::nullopt, std::nullopt, std::nullopt, row.error.sqlstate,
          row.error.message});
  }
}

void tell_rows_there(sink::PostgresSender& sender, const SinkPlan& about, pg::Relation& rows, const std::string& batch,
                     const Emit& emit) {
  try {
    sender.encode(rows, kShownVersion);
    if (about.remote_table->append) {
      sender.try_out();
      for (std::uint64_t i = 0; i < rows.rows(); ++i) emit({batch, "insert", {}, {}, rows.row_json(i), {}, {}, {}});
      return;
    }
    for (const auto& [key, before, after] : sender.try_out()) {
      const char* action = !before ? "insert" : before == after ? "unchanged" : "update";
      emit({batch, action, key, before, after, {}, {}, {}});
    }
  } catch (const Error& error) {
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    emit({batch, "error", {}, {}, {}, {}, error.sqlstate, error.message});
  }
}

void tell_added(Table& table, const std::string& batch, const Emit& emit) {
  if (!write_or_tell(table, batch, emit)) return;
  for (std::uint64_t i = 0; i < table.page.rows(); ++i) {
    emit({batch, "insert", {}, {}, table.page.row_json(i), {}, {}, {}});
  }
}

// The rows that the batch does not have.
void tell_swept(Table& table, const std::string& batch, const Emit& emit) {
  const auto rows = table.sweep->list();
  for (std::uint64_t i = 0; i < rows->rows(); ++i) {
    const json::Document row = json::parse(rows->row_json(i), "a row");
    emit({batch,
          "delete",
          json::text_member(row, "key"),
          json::text_member(row, "before"),
          json::text_member(row, "after"),
          {},
          {},
          {}});
  }
  (void)table.sweep->run();
}

// One batch in a subtransaction of its own, so that a failing one can be reported and the next one tried.
// aside: see Flow::put_aside().
void try_batch(Table& table, const std::optional<std::vector<std::string>>& aside, const std::string& batch,
               const Emit& emit) {
  if (!table.images) return tell_added(table, batch, emit);
  if (table.sweep && aside && table.sweep->keep(*aside)) tell_swept(table, batch, emit);
  const std::map<std::string, Text> before = images(*table.images, *table.scratch);
  if (!write_or_tell(table, batch, emit)) return;
  const std::map<std::string, Text> after = images(*table.images, *table.scratch);
  for (const auto& [key, row] : after) {
    if (!row) continue;  // it could not be written
    const auto was = before.find(key);
    const Text old = was == before.end() ? std::nullopt : was->second;
    const char* action = !old ? "insert" : old == row ? "unchanged" : "update";
    emit({batch, action, key, old, row, std::nullopt, std::nullopt, std::nullopt});
  }
}

}  // namespace

void tell_left_out(const Flow& flow, const std::string& batch, const Emit& emit) {
  if (flow.evaluation() == nullptr) return;
  for (const Violation& v : flow.evaluation()->violations()) {
    emit({batch, "error", std::nullopt, std::nullopt, std::nullopt, v.record, "23514", v.message});
  }
  for (const source::BadRecord& bad : flow.evaluation()->bad_records()) {
    emit({batch, "error", std::nullopt, std::nullopt, std::nullopt, bad.record, bad.error.sqlstate, bad.error.message});
  }
}

std::optional<pg::Key> resume_position(const Plan& plan) {
  if (plan.definition.mode != "incremental") return std::nullopt;
  const auto checkpoints = catalog::read_checkpoints(plan.definition.id);
  if (checkpoints.empty() || !checkpoints[0].position) return std::nullopt;
  check_position(plan, checkpoints[0].position_types);
  check_targets(plan, checkpoints[0]);
  return checkpoints[0].position;
}

void dry_run(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  Flow flow(plan, {});
  flow.evaluate();
  flow.open();
  tell_left_out(flow, "0", emit);
  std::vector<std::unique_ptr<Table>> tables;  // nullptr: a sink elsewhere
  std::vector<std::unique_ptr<sink::ElasticSink>> indexes;
  std::vector<std::unique_ptr<sink::PostgresSender>> elsewhere;  // tables of other servers
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) {
    const SinkPlan& sink = plan.sinks[i];
    tables.push_back(sink.server ? nullptr : std::make_unique<Table>(plan, i, flow.input(i)));
    indexes.push_back(sink.is_index() ? std::make_unique<sink::ElasticSink>(elastic_spec(plan, sink, "dry run"))
                                      : nullptr);
    elsewhere.push_back(sink.remote_table ? std::make_unique<sink::PostgresSender>(*sink.remote_table, "") : nullptr);
  }
  std::optional<pg::Key> position = resume_position(plan);
  const std::int64_t batches = arguments["batches"].GetInt64();
  bool more = true;
  for (std::int64_t i = 1; i <= batches && more; ++i) {
    more = flow.read(position);
    const std::string batch = std::to_string(i);
    if (flow.rows_read() > 0 || plan.at_once) flow.run_steps();
    if (plan.way == Way::kBatch) tell_left_out(flow, batch, emit);
    position = flow.reached();
    for (std::size_t sink = 0; sink < plan.sinks.size(); ++sink) {
      pg::Relation& rows = flow.input(sink);
      if (rows.rows() == 0 && !plan.at_once) continue;
      if (tables[sink]) {
        try_batch(*tables[sink], flow.put_aside(sink), batch, emit);
      } else if (elsewhere[sink]) {
        tell_rows_there(*elsewhere[sink], plan.sinks[sink], rows, batch, emit);
      } else {
        tell_documents(indexes[sink]->encode(rows, kShownVersion), batch, emit);
      }
    }
    if (plan.sinks.size() > 1 && !check_or_tell(batch, emit)) break;
  }
}

}  // namespace etl::run
