#include "run/queue.hpp"

#include <algorithm>
#include <set>

#include "model/definition.hpp"
#include "pg/gate.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

// Whether a run has to wait for the breaker of its server. Of those that it would let in as a probe, the first:
// `probes` are the servers that have one.
bool is_parked(const catalog::ActiveRun& run, std::set<unsigned>& probes) {
  const std::string server = model::parse_target(run.target).server;
  const auto gate = server.empty() ? std::nullopt : pg::find_gate(server);
  if (!gate) return false;
  const Circuit circuit = pg::gate_state(*gate).circuit;
  if (circuit.state() == Circuit::State::kClosed) return false;
  return !circuit.admits(pg::now_us(), false) || !probes.insert(gate->server).second;
}

}  // namespace

bool waits(const catalog::ActiveRun& run) {
  return run.state == model::State::RUN_REQUESTED && run.enabled && !pg::suspended();
}

std::vector<catalog::ActiveRun> startable_runs() {
  std::vector<catalog::ActiveRun> runs = catalog::active_runs();
  std::set<unsigned> probes;
  std::erase_if(runs, [&](const catalog::ActiveRun& run) { return !waits(run) || is_parked(run, probes); });
  return runs;
}

std::int64_t free_workers() {
  return pg::max_workers() - catalog::count_running();
}

bool has_turn(std::int64_t run) {
  const std::int64_t free = free_workers();
  if (free <= 0) return false;
  const std::vector<catalog::ActiveRun> runs = startable_runs();
  const auto mine = std::find_if(runs.begin(), runs.end(), [&](const auto& other) { return other.run == run; });
  return std::distance(runs.begin(), mine) < free;
}

}  // namespace etl::run
