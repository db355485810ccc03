// The state machine of a pipeline: 6 states by 6 actors, 36 transitions, one table. docs/states.md and the test are
// made from it through etl.state_transitions(). The argument why a crash at any point is safe: src/run/README.md.
#pragma once

#include <optional>
#include <string_view>

namespace etl::model {

enum class State { IDLE, RUN_REQUESTED, RUNNING, PAUSE_REQUESTED, PAUSED, FAILED };
enum class Call { run, pause, resume, cancel, retry, worker };

inline constexpr int kStates = 6;
inline constexpr int kCalls = 6;

std::string_view name(State state);
std::string_view name(Call call);
State state_from(std::string_view name);  // Error XX000 for anything else: the catalog has a CHECK

struct Transition {
  enum class Kind { kMove, kSame, kRefuse, kNone } kind;
  State to;                   // kMove
  std::string_view sqlstate;  // kRefuse
  std::string_view hint;      // kRefuse: what to do instead
};

// What `call` does in `state`. For Call::worker kMove is where a worker's normal progress leads.
const Transition& transition(State state, Call call);

}  // namespace etl::model
