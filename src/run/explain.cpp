#include "run/explain.hpp"

#include <algorithm>
#include <optional>

#include "pg/transaction.hpp"
#include "run/table_loop.hpp"
#include "run/target_check.hpp"

namespace etl::run {

namespace {

using Lines = std::vector<std::string>;

// Of one feed and what takes its rows.
struct Read {
  std::string step;
  std::string sql;
  std::string way;
  Lines plan;
};
struct Written {
  Lines plan;
  std::string sql;
};

struct Description {
  std::vector<Read> reads;
  std::vector<Written> writes;  // of each sink
  std::optional<double> rows;   // that a run would read
  std::string measured;
};

std::string elapsed_ms(std::int64_t since_us) {
  return std::to_string(static_cast<double>((pg::now_us() - since_us) / 10) / 100.0).substr(0, 8) + " ms";
}

// analyze: one batch is read and written in a subtransaction and taken back.
void measure(Flow& flow, const std::vector<std::unique_ptr<sink::PageSink>>& sinks, Description& d) {
  pg::Subtransaction attempt;
  const std::int64_t start = pg::now_us();
  (void)flow.read(std::nullopt);
  const std::uint64_t rows = flow.rows_read();
  flow.run_steps();
  d.measured = "first batch: " + std::to_string(rows) + " rows read in " + elapsed_ms(start);
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    if (!sinks[i]) continue;
    const std::int64_t write = pg::now_us();
    const sink::Written w = sinks[i]->write(flow.input(i));
    d.measured += ", written in " + elapsed_ms(write) + " (" + std::to_string(w.inserted) + " inserted, " +
                  std::to_string(w.updated) + " updated, " + std::to_string(w.unchanged) + " unchanged)";
  }
  if (!std::all_of(sinks.begin(), sinks.end(), [](const auto& sink) { return sink == nullptr; }))
    d.measured += ", rolled back";
  attempt.rollback();
}

Description describe(const Plan& plan, bool analyze) {
  Description d;
  Flow flow(plan, {});
  if (analyze) {
    flow.evaluate();
  } else if (plan.way == Way::kWhole) {
    (void)flow.start_evaluation();  // no step is run to explain it: what it would give is empty
  }
  flow.open();
  for (std::size_t i = 0; i < flow.feeds(); ++i) {
    source::PageSource& source = flow.source(i);
    const std::string step = plan.way == Way::kBatch ? plan.paged_step : "source";
    d.reads.push_back({step, source.description(), source.way(), source.explain()});
  }
  if (analyze || plan.way != Way::kWhole) d.rows = flow.rows_total();
  std::vector<std::unique_ptr<sink::PageSink>> sinks;
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) {
    if (plan.sinks[i].server) {
      sinks.push_back(nullptr);
      d.writes.push_back({{}, plan.sinks[i].remote_table ? sink::write_sql(*plan.sinks[i].remote_table) : ""});
      continue;
    }
    sinks.push_back(make_sink(plan, i, plan.way == Way::kBatch ? 0 : flow.source(i).rows_total()));
    sinks.back()->open(flow.input(i));
    d.writes.push_back({sinks.back()->explain(), sinks.back()->sql()});
  }
  if (analyze) measure(flow, sinks, d);
  return d;
}

Lines warnings(const Plan& plan, const Description& d) {
  Lines all;
  for (const Finding& finding : plan.warnings) all.push_back(finding.message);
  if (plan.definition.mode == "incremental" && d.reads[0].way.starts_with("spilled")) {
    all.push_back("incremental_key has no index that serves (" + plan.feed().order[0] + ", " +
                  plan.feed().order.back() + "): each run reads the whole source");
  }
  return all;
}

// The operator that reads, or what the steps before the sink are made into.
std::string kind_of_source(const Plan& plan, const std::string& id) {
  if (!plan.feed().origin) return "sql";
  const model::Steps& steps = plan.graph->steps();
  return std::find_if(steps.begin(), steps.end(), [&](const model::Step& step) { return step.id == id; })->op;
}

std::string kind_of(const SinkPlan& sink) {
  if (sink.is_index()) return sink.server->type;
  if (sink.server) return "table";
  return sink.file ? "file" : sink.table ? "table" : "function";
}

// What a batch locks, until its end; no lock is held between batches.
Lines locks(const Plan& plan) {
  Lines all;
  for (const pg::BaseTable& table : plan.tables) all.push_back("ACCESS SHARE on " + table.name);
  for (const SinkPlan& sink : plan.sinks) {
    if (sink.table) all.push_back("ROW EXCLUSIVE on " + sink.table->name + ", and its rows that change");
  }
  return all;
}

void emit_block(const Emit& emit, const char* title, const std::string& sql, const Lines& plan) {
  emit({std::string("  ") + title + ": " + sql});
  for (const std::string& line : plan) emit({"    " + line});
}

}  // namespace

namespace {

std::string targets_of(const Plan& plan) {
  std::string list;
  for (const SinkPlan& sink : plan.sinks) list += (list.empty() ? "" : ", ") + target_as_listed(sink);
  return list;
}

void emit_json(const Plan& plan, const Description& d, const std::string& batches, const Lines& notes,
               const Emit& emit) {
  const model::Definition& definition = plan.definition;
  json::Object out;
  out.add("pipeline", definition.name).add("mode", definition.mode);
  out.add("layers", model::layers_text(model::steps_of(definition)));
  out.add("source_sql", d.reads[0].sql).add("way", d.reads[0].way);
  out.add_raw("source_plan", json::write_texts({d.reads[0].plan.begin(), d.reads[0].plan.end()}));
  out.add("target", targets_of(plan)).add("sink_sql", d.writes.empty() ? "" : d.writes[0].sql);
  const Lines plan_lines = d.writes.empty() ? Lines() : d.writes[0].plan;
  out.add_raw("sink_plan", json::write_texts({plan_lines.begin(), plan_lines.end()}));
  out.add("safety", plan.safety)
      .add("safety_reason", plan.safety_reason)
      .add_raw("estimated_batches", batches.empty() ? "null" : batches);
  const Lines locked = locks(plan);
  out.add_raw("locks", json::write_texts({locked.begin(), locked.end()}));
  out.add("measured", d.measured).add_raw("warnings", json::write_texts({notes.begin(), notes.end()}));
  emit({out.str()});
}

// How often the step's statement runs, and with which other steps.
std::string when(const Plan& plan, const std::string& step) {
  if (plan.way != Way::kWhole) return "each batch";
  std::string others;
  for (const Graph::Relations& group : plan.parallel) {
    for (const std::string& id : group.contains(step) ? group : Graph::Relations()) {
      if (id != step) others += (others.empty() ? ", at the same time as " : ", ") + id;
    }
  }
  return "once" + others;
}

// A line for each step with its own statement; those between are parts of the statement after them.
void emit_steps(const Plan& plan, const Description& d, const Emit& emit) {
  if (plan.graph) {
    for (const model::Step& step : plan.graph->steps()) {
      if (!plan.relations.contains(step.id) || step.id == plan.paged_step) continue;
      emit_block(emit, ("step " + step.id + " (" + step.op + "), " + when(plan, step.id)).c_str(),
                 plan.graph->query(step.id, plan.relations), {});
    }
  }
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) {
    const SinkPlan& sink = plan.sinks[i];
    if (plan.way == Way::kWhole) {
      emit_block(emit, ("rows of " + sink.step).c_str(), d.reads[i].sql, d.reads[i].plan);
    }
    emit({"-> " + sink.step + " (" + kind_of(sink) + ") " + target_as_listed(sink)});
    if (!d.writes[i].sql.empty()) emit_block(emit, "SQL", d.writes[i].sql, d.writes[i].plan);
  }
}

}  // namespace

void explain(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  const Description d = describe(plan, arguments["analyze"].GetBool());
  const model::Definition& definition = plan.definition;
  std::string batches;
  if (d.rows) {
    batches = std::to_string(static_cast<std::int64_t>(*d.rows / static_cast<double>(definition.batch_size)) + 1);
  }
  const Lines notes = warnings(plan, d);
  if (json::text(arguments["format"]) == "json") return emit_json(plan, d, batches, notes, emit);
  emit({"Pipeline " + definition.name + " (" + definition.mode + ", batches of " +
        std::to_string(definition.batch_size) + (batches.empty() ? "" : ", about " + batches) + ")"});
  emit({"Layers: " + model::layers_text(model::steps_of(definition))});
  if (plan.way != Way::kWhole) {
    emit({"-> " + d.reads[0].step + " (" + kind_of_source(plan, d.reads[0].step) + "), " + d.reads[0].way});
    emit_block(emit, "SQL", d.reads[0].sql, d.reads[0].plan);
  }
  emit_steps(plan, d, emit);
  if (!plan.safety.empty()) emit({"Safety: " + plan.safety + " (" + plan.safety_reason + ")"});
  for (const std::string& lock : locks(plan)) emit({"Lock: " + lock});
  if (!d.measured.empty()) emit({"Measured: " + d.measured});
  for (const std::string& note : notes) emit({"Warning: " + note});
}

}  // namespace etl::run
