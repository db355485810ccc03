#include "run/queue.hpp"

#include <map>
#include <string>

#include "model/definition.hpp"
#include "pg/gate.hpp"
#include "pg/settings.hpp"

namespace etl::run {

namespace {

// Requested, enabled, and not kept by etl.suspended.
bool waits(const catalog::ActiveRun& run) {
  return run.state == model::State::RUN_REQUESTED && run.enabled && !pg::suspended();
}

// Which servers have a breaker that is not closed, and who uses them: one run at a time, which is the probe.
class Breakers {
 public:
  explicit Breakers(const std::vector<catalog::ActiveRun>& runs) {
    for (const catalog::ActiveRun& run : runs) {
      if (run.state != model::State::RUN_REQUESTED) use(run);
    }
  }

  bool admits(const catalog::ActiveRun& run, bool asked) {
    const Server* server = find(run);
    if (server == nullptr || server->gate.circuit == Circuit::State::kClosed) return true;
    return !server->in_use && (asked ? server->gate.admits_asked : server->gate.admits);
  }

  void use(const catalog::ActiveRun& run) {
    if (Server* server = find(run)) server->in_use = true;
  }

 private:
  struct Server {
    pg::GateState gate;
    bool in_use = false;
  };

  Server* find(const catalog::ActiveRun& run) {
    const std::string name = model::parse_target(run.target).server;
    if (name.empty()) return nullptr;
    const auto known = servers_.find(name);
    if (known != servers_.end()) return &known->second;
    const auto gate = pg::find_gate(name);
    return &servers_.emplace(name, Server{gate ? pg::gate_state(*gate) : pg::GateState(), false}).first->second;
  }

  std::map<std::string, Server> servers_;
};

}  // namespace

void in_turn(const std::function<bool(const catalog::ActiveRun&)>& start, std::int64_t asked) {
  const catalog::Load load = catalog::count_active();
  std::int64_t free = pg::max_workers() - load.running;
  if (free <= 0 || load.waiting == 0) return;
  const std::vector<catalog::ActiveRun> runs = catalog::active_runs();
  Breakers breakers(runs);
  for (const catalog::ActiveRun& run : runs) {
    if (free <= 0) return;
    if (!waits(run) || !breakers.admits(run, run.run == asked) || !start(run)) continue;
    breakers.use(run);
    --free;
  }
}

bool may_lead(const pg::Task& task, const std::string& target) {
  const catalog::Load load = catalog::count_active();
  if (model::parse_target(target).server.empty() && load.running + load.waiting <= pg::max_workers()) return true;
  bool may = false;
  in_turn(
      [&](const catalog::ActiveRun& run) {
        may = may || run.run == task.run;
        return !task.queued || run.run == task.run;
      },
      task.queued ? 0 : task.run);
  return may;
}

}  // namespace etl::run
