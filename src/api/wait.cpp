// etl.wait and CALL etl.run_wait: how a session waits for a run.
#include <algorithm>

#include "api/open.hpp"
#include "api/request.hpp"
#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "worker/keeper.hpp"

extern "C" {
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace etl::api {

namespace {

constexpr long kShortestPauseMs = 2;
constexpr long kLongestPauseMs = 50;

bool ended(const std::string& status) {
  return status != "requested" && status != "running";
}

std::int64_t timeout_us(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return INT64_MAX / 4;
  const Interval* interval = PG_GETARG_INTERVAL_P(index);
  return interval->time + (interval->day + interval->month * std::int64_t{30}) * USECS_PER_DAY;
}

model::Definition definition_of_run(const catalog::Run& run) {
  const auto definition = catalog::find_pipeline_latest(run.pipeline);
  if (!definition)
    throw Error("42704", "run " + std::to_string(run.id) + " does not exist", {}, "Take its id from etl.runs.");
  // Whoever may request a run may wait for it.
  return may(*definition, Right::kRun) ? *definition : check_right(*definition, Right::kMonitor);
}

// As etl.visible_pipeline.shows_rows.
bool shows_rows(const model::Definition& definition) {
  return pg::has_role(pg::current_role(), definition.owner) || may(definition, Right::kAlter);
}

// The error as the run met it, with its own SQLSTATE. What may hold data of the source is for who may see that.
[[noreturn]] void raise(const catalog::Run& run, const model::Definition& definition) {
  Error error = run.error.value_or(Error("XX000", "run " + std::to_string(run.id) + " failed"));
  if (!shows_rows(definition)) {
    const pg::Rows shown =
        pg::catalog_query("SELECT etl.without_values(false, $1, $2)", {error.sqlstate, error.message});
    const std::string message = shown.at(0)[0].value_or("");
    error = message == error.message ? Error(error.sqlstate, message, {}, error.hint)
                                     : Error(error.sqlstate, "the run failed", "Its message is " + message + ".");
  }
  error.context = "run " + std::to_string(run.id) + (error.context.empty() ? "" : "\n" + error.context);
  throw error;
}

// Until the next look: a hundredth of what was waited already, so that nobody waits much longer than the run takes.
long pause_ms(std::int64_t since_us) {
  return std::clamp(static_cast<long>((pg::now_us() - since_us) / 100'000), kShortestPauseMs, kLongestPauseMs);
}

// One look outside of any older snapshot; starts what found no worker slot.
catalog::Run look(std::int64_t id) {
  const auto run = catalog::read_run_latest(id);
  if (!run)
    throw Error("42704", "run " + std::to_string(id) + " does not exist", {}, "It may belong to a dropped pipeline.");
  if (run->status == "requested") worker::ensure_keeper();
  return *run;
}

}  // namespace

ETL_FUNCTION(etl_wait) {
  return pg::boundary([&]() -> Datum {
    (void)pg::required_argument(fcinfo, 0, "run_id");
    const std::int64_t id = PG_GETARG_INT64(0);
    if (pg::requested_here(id)) {
      throw Error("25001", "run " + std::to_string(id) + " was requested by this transaction",
                  "Its worker starts when the transaction commits.", "COMMIT first, or use CALL etl.run_wait().");
    }
    on_first_call();
    const std::int64_t end = pg::now_us() + timeout_us(fcinfo, 1);
    (void)definition_of_run(look(id));
    for (const std::int64_t start = pg::now_us();;) {
      const catalog::Run run = look(id);
      if (ended(run.status)) return pg::text_result(fcinfo, run.status);
      if (pg::now_us() >= end) return pg::text_result(fcinfo, "running");
      pg::sleep_ms(pause_ms(start));
    }
  });
}

// Commits, so that the request takes effect; then waits, a transaction a look.
static catalog::Run wait_committed(std::int64_t id, std::int64_t end) {
  for (const std::int64_t start = pg::now_us();;) {
    pg::call([&] { SPI_commit(); });
    pg::sleep_ms(pause_ms(start));
    const catalog::Run run = look(id);
    if (ended(run.status) || pg::now_us() >= end) return run;
  }
}

ETL_FUNCTION(etl_run_wait) {
  return pg::boundary([&]() -> Datum {
    const auto* context = reinterpret_cast<CallContext*>(fcinfo->context);
    if (fcinfo->context == nullptr || !IsA(fcinfo->context, CallContext) || context->atomic) {
      throw Error("25001", "CALL etl.run_wait() cannot run inside a transaction block",
                  "It commits, so that the request takes effect.",
                  "Call it outside of BEGIN … COMMIT, or use etl.run() and etl.wait().");
    }
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kRun);
    const std::string params = pg::text_argument(fcinfo, 1).value_or("{}");
    const std::int64_t end = pg::now_us() + timeout_us(fcinfo, 2);
    pg::call([&] { SPI_connect_ext(SPI_OPT_NONATOMIC); });
    const std::int64_t id = request_run(definition, params);
    const catalog::Run run = wait_committed(id, end);
    pg::call([&] { SPI_finish(); });
    if (run.status == "failed" || (run.status == "cancelled" && run.error)) raise(run, definition);
    if (run.status == "cancelled") throw Error("57014", "run " + std::to_string(id) + " was cancelled");
    return pg::row_result(fcinfo, {std::to_string(id)});
  });
}

}  // namespace etl::api
