#include "model/state.hpp"

#include <string>

#include "core/error.hpp"

namespace etl::model {

namespace {

constexpr std::string_view kStateNames[kStates] = {"IDLE",   "RUN_REQUESTED", "RUNNING", "PAUSE_REQUESTED",
                                                   "PAUSED", "FAILED"};
constexpr std::string_view kCallNames[kCalls] = {"run", "pause", "resume", "cancel", "retry", "worker"};

constexpr Transition move(State to) {
  return {Transition::Kind::kMove, to, {}, {}};
}
constexpr Transition same(State state) {
  return {Transition::Kind::kSame, state, {}, {}};
}
constexpr Transition refuse(std::string_view hint) {
  return {Transition::Kind::kRefuse, State::IDLE, "55000", hint};
}
constexpr Transition busy(std::string_view hint) {
  return {Transition::Kind::kRefuse, State::IDLE, "55006", hint};
}
constexpr Transition none() {
  return {Transition::Kind::kNone, State::IDLE, {}, {}};
}

constexpr std::string_view kStart = "Start it with etl.run().";
constexpr std::string_view kWait = "Wait for the run with etl.wait(), or end it with etl.cancel().";
constexpr std::string_view kPaused = "Go on with etl.resume(), or end the run with etl.cancel().";
constexpr std::string_view kFailed = "Go on with etl.retry(), or start anew with etl.run().";
constexpr std::string_view kNotFailed = "Only a FAILED run can be retried.";
constexpr std::string_view kRunning = "It is running already.";

constexpr Transition kTable[kStates][kCalls] = {
    // run, pause, resume, cancel, retry, worker
    {move(State::RUN_REQUESTED), refuse(kStart), refuse(kStart), refuse(kStart), refuse(kStart), none()},
    {busy(kWait), move(State::PAUSED), refuse(kRunning), move(State::IDLE), refuse(kNotFailed), move(State::RUNNING)},
    {busy(kWait), move(State::PAUSE_REQUESTED), refuse(kRunning), move(State::IDLE), refuse(kNotFailed),
     move(State::IDLE)},
    {busy(kWait), same(State::PAUSE_REQUESTED), move(State::RUNNING), move(State::IDLE), refuse(kNotFailed),
     move(State::PAUSED)},
    {refuse(kPaused), same(State::PAUSED), move(State::RUN_REQUESTED), move(State::IDLE), refuse(kPaused), none()},
    {move(State::RUN_REQUESTED), refuse(kFailed), refuse(kFailed), move(State::IDLE), move(State::RUN_REQUESTED),
     none()},
};

}  // namespace

std::string_view name(State state) {
  return kStateNames[static_cast<int>(state)];
}
std::string_view name(Call call) {
  return kCallNames[static_cast<int>(call)];
}

State state_from(std::string_view text) {
  for (int i = 0; i < kStates; ++i) {
    if (kStateNames[i] == text) return static_cast<State>(i);
  }
  throw Error("XX000", "unknown pipeline state \"" + std::string(text) + "\"");
}

const Transition& transition(State state, Call call) {
  return kTable[static_cast<int>(state)][static_cast<int>(call)];
}

}  // namespace etl::model
