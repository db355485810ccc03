#include "run/explain.hpp"

#include "pg/transaction.hpp"
#include "run/table_loop.hpp"
#include "run/target_check.hpp"

namespace etl::run {

namespace {

using Lines = std::vector<std::string>;

struct Description {
  Lines source_plan;
  std::string source_sql;
  std::string way;
  double rows = 0;
  Lines sink_plan;
  std::string sink_sql;
  std::string measured;
};

std::string elapsed_ms(std::int64_t since_us) {
  return std::to_string(static_cast<double>((pg::now_us() - since_us) / 10) / 100.0).substr(0, 8) + " ms";
}

// analyze: one batch is read and written in a subtransaction and taken back.
void measure(source::SqlSource& source, sink::TableSink* sink, pg::Relation& page, Description& d) {
  pg::Subtransaction attempt;
  const std::int64_t start = pg::now_us();
  (void)source.read(std::nullopt, page);
  d.measured = "first batch: " + std::to_string(page.rows()) + " rows read in " + elapsed_ms(start);
  if (sink != nullptr) {
    const std::int64_t write = pg::now_us();
    const sink::Written w = sink->write(page);
    d.measured += ", written in " + elapsed_ms(write) + " (" + std::to_string(w.inserted) + " inserted, " +
                  std::to_string(w.updated) + " updated, " + std::to_string(w.unchanged) + " unchanged), rolled back";
  }
  attempt.rollback();
}

Description describe(const Plan& plan, bool analyze) {
  Description d;
  source::SqlSource source(source_spec(plan, {}));
  source.open();
  d.source_sql = source.sql();
  d.source_plan = source.explain();
  d.way = source.spills() ? "spilled: no index serves the order, so the query runs once and its rows wait in key order"
                          : "paged: an index serves the order, each batch is a query with a fresh snapshot";
  d.rows = source.rows_total();
  const auto page = source.make_page(false);
  page->clear();
  if (plan.table) {
    const auto sink = make_table_sink(plan, d.rows);
    sink->open(*page);
    d.sink_sql = sink->sql();
    d.sink_plan = sink->explain();
    if (analyze) measure(source, sink.get(), *page, d);
  } else if (analyze) {
    measure(source, nullptr, *page, d);
  }
  return d;
}

Lines warnings(const Plan& plan, const Description& d) {
  Lines all;
  for (const Finding& finding : plan.warnings) all.push_back(finding.message);
  if (plan.definition.mode == "incremental" && d.way.starts_with("spilled")) {
    all.push_back("incremental_key has no index that serves (" + plan.order[0] + ", " + plan.order.back() +
                  "): each run reads the whole source");
  }
  return all;
}

// What a batch locks, until its end; no lock is held between batches.
Lines locks(const Plan& plan) {
  Lines all;
  for (const pg::BaseTable& table : plan.source.tables) all.push_back("ACCESS SHARE on " + table.name);
  if (plan.table) all.push_back("ROW EXCLUSIVE on " + plan.table->name + ", and its rows that change");
  return all;
}

void emit_block(const Emit& emit, const char* title, const std::string& sql, const Lines& plan) {
  emit({std::string("  ") + title + ": " + sql});
  for (const std::string& line : plan) emit({"    " + line});
}

}  // namespace

void explain(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  const Description d = describe(plan, arguments["analyze"].GetBool());
  const model::Definition& definition = plan.definition;
  const auto batches = static_cast<std::int64_t>(d.rows / static_cast<double>(definition.batch_size)) + 1;
  const Lines notes = warnings(plan, d);
  if (json::text(arguments["format"]) == "json") {
    json::Object out;
    out.add("pipeline", definition.name).add("mode", definition.mode).add("source_sql", d.source_sql).add("way", d.way);
    out.add_raw("source_plan", json::write_texts({d.source_plan.begin(), d.source_plan.end()}));
    out.add("target", target_as_listed(plan)).add("sink_sql", d.sink_sql);
    out.add_raw("sink_plan", json::write_texts({d.sink_plan.begin(), d.sink_plan.end()}));
    out.add("safety", plan.safety).add("safety_reason", plan.safety_reason).add_number("estimated_batches", batches);
    const Lines locked = locks(plan);
    out.add_raw("locks", json::write_texts({locked.begin(), locked.end()}));
    out.add("measured", d.measured).add_raw("warnings", json::write_texts({notes.begin(), notes.end()}));
    return emit({out.str()});
  }
  emit({"Pipeline " + definition.name + " (" + definition.mode + ", batches of " +
        std::to_string(definition.batch_size) + ", about " + std::to_string(batches) + ")"});
  emit({"Layers: " + model::layers_text(model::steps_of(plan.definition))});
  emit({"-> source (sql), " + d.way});
  emit_block(emit, "SQL", d.source_sql, d.source_plan);
  emit({"-> sink (" + std::string(plan.table ? "table" : plan.server->type) + ") " + target_as_listed(plan)});
  if (plan.table) emit_block(emit, "SQL", d.sink_sql, d.sink_plan);
  if (!plan.safety.empty()) emit({"Safety: " + plan.safety + " (" + plan.safety_reason + ")"});
  for (const std::string& lock : locks(plan)) emit({"Lock: " + lock});
  if (!d.measured.empty()) emit({"Measured: " + d.measured});
  for (const std::string& note : notes) emit({"Warning: " + note});
}

}  // namespace etl::run
