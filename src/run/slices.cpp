#include "run/slices.hpp"

#include "core/json.hpp"
#include "core/quote.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/pass.hpp"
#include "run/retry.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

constexpr long kPollMs = 10;
constexpr std::int64_t kStartUs = 500'000;  // a worker that has not come by then found no slot

// Values of the first key column that cut the source into `count` parts of about the same number of rows: from the
// statistics of the column where there are any, otherwise by reading the keys once.
std::vector<std::string> borders(const Plan& plan, int count) {
  const std::string key = quote_name(plan.feed().order[0]);
  pg::Origin origin;
  const pg::Column* column = find_column(plan.feed().source.columns, plan.feed().order[0]);
  if (column != nullptr) (void)pg::find_origin(*column, origin);
  std::vector<std::string> cut;
  if (!origin.table.empty()) {
    const pg::Rows bounds = pg::query_once(
        "SELECT b FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=)"
        " c.relnamespace JOIN pg_catalog.pg_stats AS s ON s.schemaname OPERATOR(pg_catalog.=) n.nspname AND s.tablename"
        " OPERATOR(pg_catalog.=) c.relname, LATERAL pg_catalog.unnest(s.histogram_bounds::pg_catalog.text"
        "::pg_catalog.text[]) WITH ORDINALITY AS u(b, n) WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass"
        " AND s.attname OPERATOR(pg_catalog.=) $2 ORDER BY u.n",
        {origin.table, origin.column});
    for (int i = 1; i < count && bounds.size() > static_cast<std::size_t>(count); ++i) {
      cut.push_back(*bounds[bounds.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(count)][0]);
    }
  }
  if (!cut.empty()) return cut;
  std::string fractions;
  for (int i = 1; i < count; ++i) fractions += (i > 1 ? "," : "") + std::to_string(static_cast<double>(i) / count);
  for (const pg::Row& row :
       pg::query_once("SELECT DISTINCT b FROM (SELECT pg_catalog.unnest(pg_catalog.percentile_disc(ARRAY[" + fractions +
                      "]::pg_catalog.float8[]) WITHIN GROUP (ORDER BY " + key + ")) AS b FROM (" + plan.feed().query +
                      "\n) AS _etl_row) AS _etl_cut WHERE b IS NOT NULL ORDER BY b")) {
    cut.push_back(*row[0]);
  }
  return cut;
}

bool worth_slicing(const Plan& plan) {
  if (plan.options.slices < 2 || plan.definition.mode != "full" || plan.way != Way::kDirect || plan.at_once)
    return false;
  source::SqlSource source(source_spec(plan, plan.feed(), plan.sink().keys, {}));
  source.open();
  return !source.spills();  // what no index serves is computed once, not once a slice
}

}  // namespace

pg::Task helper_task(const Context& context, pg::Job job) {
  pg::Task task;
  task.job = job;
  task.database = pg::database_id();
  task.role = context.plan.definition.owner;
  task.pipeline = context.pipeline;
  task.run = context.run;
  task.epoch = context.epoch;
  return task;
}

namespace {

void start_helpers(const Context& context, const std::vector<catalog::Checkpoint>& slices) {
  for (const catalog::Checkpoint& slice : slices) {
    if (slice.slice == 0 || slice.done) continue;
    pg::Task task = helper_task(context, pg::Job::kSlice);
    task.slice = slice.slice;
    (void)pg::start_worker(task);
  }
}

void stop_helpers(const Context& context) {
  pg::cancel_other_holders(context.pipeline);
}

bool helpers_gone(const Context& context, std::size_t slices) {
  for (std::size_t i = 1; i < slices; ++i) {
    if (!pg::lease_is_free(context.pipeline, static_cast<int>(i))) return false;
  }
  return true;
}

// Waits for the helpers, and takes over what none of them works on.
Outcome wait_for_helpers(Context& context, std::vector<catalog::Checkpoint>& slices, std::int64_t started_us) {
  for (;;) {
    pg::begin();
    const std::vector<catalog::SliceOutcome> outcomes = catalog::read_outcomes(context.pipeline);
    pg::commit(false);
    bool all_done = true;
    for (const catalog::SliceOutcome& outcome : outcomes) {
      if (outcome.error) {
        context.timed_out = true;  // a helper stores a 57014 only when its timer fired
        throw error_from_json(*outcome.error);
      }
      all_done = all_done && outcome.done;
    }
    if (all_done) return Outcome::kDone;
    const Order order = current_order(context);
    if (order == Order::kStop) return Outcome::kStopped;
    pg::begin();
    const bool gone = helpers_gone(context, slices.size());
    pg::commit(false);
    if (order == Order::kPause && gone) return Outcome::kPaused;
    if (order == Order::kGoOn && gone && pg::now_us() - started_us > kStartUs) {
      for (catalog::Checkpoint& slice : slices) {
        if (outcomes.at(static_cast<std::size_t>(slice.slice)).done) continue;
        pg::begin();
        slice = catalog::read_checkpoints(context.pipeline).at(static_cast<std::size_t>(slice.slice));
        const bool leader = slice.slice == 0;  // its lease is the run's own, and stays
        const bool mine = leader || pg::try_lease(context.pipeline, slice.slice);
        pg::commit(false);
        if (!mine) break;
        const Outcome outcome = run_slice(context, slice);
        if (!leader) pg::release_lease(context.pipeline, slice.slice);
        if (outcome != Outcome::kDone) return outcome;
      }
    }
    pg::sleep_ms(kPollMs);
  }
}

}  // namespace

std::vector<catalog::Checkpoint> make_slices(const Plan& plan, const std::vector<catalog::Checkpoint>& old) {
  catalog::Checkpoint whole;
  whole.kind = plan.feed().origin                      ? plan.feed().origin->checkpoint_kind()
               : plan.definition.mode == "incremental" ? "pair"
                                                       : "key";
  whole.position_types = position_types(plan);
  whole.targets = identities(plan);
  // Files are remembered one by one.
  const bool goes_on = plan.definition.mode == "incremental" && whole.kind != "file";
  if (goes_on && !old.empty() && old[0].kind == whole.kind) whole.position = old[0].position;
  std::vector<catalog::Checkpoint> slices = {whole};
  if (!worth_slicing(plan)) return slices;
  for (const std::string& border : borders(plan, plan.options.slices)) {
    slices.back().to = catalog::Key{border};
    catalog::Checkpoint next = whole;
    next.slice = static_cast<int>(slices.size());
    next.from = catalog::Key{border};
    slices.push_back(next);
  }
  return slices;
}

Outcome run_slices(Context& context, std::vector<catalog::Checkpoint>& slices) {
  const std::int64_t started = pg::now_us();
  start_helpers(context, slices);
  try {
    if (!slices[0].done) {
      const Outcome outcome = run_slice(context, slices[0]);
      if (outcome == Outcome::kStopped || slices.size() == 1) return outcome;
    }
    return slices.size() == 1 ? Outcome::kDone : wait_for_helpers(context, slices, started);
  } catch (const Error&) {
    pg::abort_transaction();
    pg::ignore_cancel();
    if (slices.size() > 1) stop_helpers(context);
    throw;
  }
}

std::string error_to_json(const Error& error) {
  return json::Object()
      .add("sqlstate", error.sqlstate)
      .add("message", error.message)
      .add("detail", error.detail)
      .add("hint", error.hint)
      .add("context", error.context)
      .add("step", error.step)
      .str();
}

Error error_from_json(const std::string& text) {
  const json::Document document = json::parse(text, "an error");
  auto part = [&](const char* name) { return json::text_member(document, name).value_or(""); };
  Error error(part("sqlstate"), part("message"), part("detail"), part("hint"));
  error.context = part("context");
  error.step = part("step");
  return error;
}

}  // namespace etl::run
