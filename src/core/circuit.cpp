#include "core/circuit.hpp"

#include <algorithm>
#include <cmath>

namespace etl {

namespace {

constexpr int kMostDoublings = 20;

}  // namespace

bool Circuit::admits(std::int64_t now_us, bool asked) const {
  return state_ != State::kOpen || asked || now_us >= probe_us_;
}

void Circuit::admit() {
  if (state_ == State::kOpen) state_ = State::kHalfOpen;
}

bool Circuit::succeed(const CircuitRules& rules) {
  failures_ = 0;
  if (state_ == State::kClosed) return false;
  const State before = state_;
  state_ = State::kHalfOpen;
  if (++successes_ >= rules.successes) *this = Circuit();
  return state_ != before;
}

// Requests that were under way when the breaker opened do not lengthen its pause.
bool Circuit::fail(std::int64_t now_us, const CircuitRules& rules, double jitter) {
  ++failures_;
  if (state_ == State::kOpen || (state_ == State::kClosed && failures_ < rules.failures)) return false;
  const std::int64_t longest = CircuitRules::kLongestPauseUs;
  const std::int64_t pause = std::min(rules.pause_us, longest) << std::min(openings_, kMostDoublings);
  if (openings_++ == 0) opened_us_ = now_us;
  state_ = State::kOpen;
  successes_ = 0;
  probe_us_ = now_us + static_cast<std::int64_t>(static_cast<double>(std::min(pause, longest)) *
                                                 (1 - std::clamp(jitter, 0.0, 1.0) / 5));
  return true;
}

std::string_view name(Circuit::State state) {
  switch (state) {
    case Circuit::State::kOpen:
      return "open";
    case Circuit::State::kHalfOpen:
      return "half_open";
    default:
      return "closed";
  }
}

std::int64_t TokenBucket::take(std::int64_t now_us, double a_second) {
  const double most = std::max(1.0, a_second);
  const double passed = static_cast<double>(std::max<std::int64_t>(now_us - filled_us_, 0)) / 1e6;
  tokens_ = filled_us_ == 0 ? most : std::min(most, tokens_ + passed * a_second);
  filled_us_ = now_us;
  if (tokens_ < 1) return static_cast<std::int64_t>(std::ceil((1 - tokens_) / a_second * 1e6));
  tokens_ -= 1;
  return 0;
}

}  // namespace etl
