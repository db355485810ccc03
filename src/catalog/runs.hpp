// State of pipelines, runs and events. Lock order: the definition's row (pipelines.hpp) where it is wanted, the
// pipeline's state row, then everything else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "model/state.hpp"

namespace etl::catalog {

using model::State;

struct PipelineState {
  State state = State::IDLE;
  std::optional<std::int64_t> run;
  int worker_pid = 0;
  std::int64_t epoch = 0;
  bool bound_here = false;  // (system identifier, database OID) are this database's
};

// The state row, locked FOR UPDATE when `lock`. nullopt: never run here (a restored database).
std::optional<PipelineState> read_state(std::int64_t pipeline, bool lock);
// The same, but nullopt also when another session has the row locked.
std::optional<PipelineState> try_lock_state(std::int64_t pipeline);
// The newest committed state, also inside an older snapshot.
std::optional<PipelineState> read_state_latest(std::int64_t pipeline);

// Moves the pipeline and writes the event.
void set_state(std::int64_t pipeline, State from, State to, std::optional<std::int64_t> run, const std::string& role,
               const std::optional<std::string>& reason);
void write_event(std::int64_t pipeline, std::optional<std::int64_t> run, const std::string& role,
                 const std::optional<std::string>& reason);

std::int64_t insert_run(std::int64_t pipeline, const std::string& trigger, unsigned role, const std::string& params);

struct Run {
  std::int64_t id = 0;
  std::int64_t pipeline = 0;
  std::string status;
  int attempt = 1;
  std::string correlation_id;
  std::string params;
  int worker_pid = 0;
  std::optional<Error> error;
};
std::optional<Run> read_run(std::int64_t run);
std::optional<Run> read_run_latest(std::int64_t run);

// Takes the lease: a new epoch, which is returned. It grows, and has the clock in it: ids start again when the
// extension is dropped and made anew, and a worker of the one before must be fenced, too.
std::int64_t claim(std::int64_t pipeline, std::int64_t run, int pid);
void set_run_status(std::int64_t run, const std::string& status, const Error* error);
void count_attempt(std::int64_t run);
void count_recovery(std::int64_t run);
void forget_recoveries(std::int64_t run);

struct ActiveRun {
  std::int64_t pipeline = 0;
  std::int64_t run = 0;
  unsigned owner = 0;
  std::string target;
  State state = State::IDLE;
  bool auto_recover = true;
  bool enabled = true;
  int recoveries = 0;
  int max_retries = 3;
};
// Pipelines that are RUN_REQUESTED, RUNNING or PAUSE_REQUESTED, and bound to this database. In the order in which they
// are to start: the owners take turns, who has fewer runs under way first, and then whose last start was longest ago;
// of one owner's runs the one with the highest option priority, where ten seconds of waiting count as one point.
std::vector<ActiveRun> active_runs();
struct Load {
  std::int64_t running = 0;  // RUNNING or PAUSE_REQUESTED
  std::int64_t waiting = 0;  // RUN_REQUESTED
};
Load count_active();
// Error PE043 unless the library and the SQL objects are of one version.
void check_version();

}  // namespace etl::catalog
