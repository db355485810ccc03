// A circuit breaker and a token bucket: plain data that may lie in shared memory, and the rules that move it. Not
// synchronised. Times are microseconds of any one clock.
//
// Closed: all work may start. Open, after so many failures without a success between them: nothing starts until the
// pause is over. Then half-open: so many successes close the breaker, one failure opens it for twice as long as before.
// (M. Nygard, Release It!, "Circuit Breaker".) That one piece of work at a time is a probe, unless the breaker is
// closed, is up to the caller, who knows what is under way.
#pragma once

#include <cstdint>
#include <string_view>

namespace etl {

struct CircuitRules {
  int failures = 5;                    // in a row, before the breaker opens
  std::int64_t pause_us = 30'000'000;  // of the first opening; doubled by each further one
  int successes = 3;                   // of probes, before it closes

  static constexpr std::int64_t kLongestPauseUs = 300'000'000;
};

class Circuit {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

  // Whether work may start now. `asked`: a user asks for it this moment, who need not wait for the end of the pause.
  bool admits(std::int64_t now_us, bool asked) const;
  void admit();  // it starts

  // The outcome of a request, of a probe or of work that had started before. Whether the state has changed. jitter: 0
  // to 1, shortens the pause by up to a fifth.
  bool succeed(const CircuitRules& rules);
  bool fail(std::int64_t now_us, const CircuitRules& rules, double jitter);

  State state() const { return state_; }
  int failures() const { return failures_; }                // in a row
  std::int64_t opened_us() const { return opened_us_; }     // not closed since then
  std::int64_t next_probe_us() const { return probe_us_; }  // while open

 private:
  State state_ = State::kClosed;
  int failures_ = 0;
  int successes_ = 0;
  int openings_ = 0;  // since it was closed last
  std::int64_t opened_us_ = 0;
  std::int64_t probe_us_ = 0;
};

// 'closed', 'open' or 'half_open'.
std::string_view name(Circuit::State state);

// So many tokens a second, and at most one second's worth of them (one, if that is less) at once.
class TokenBucket {
 public:
  // Takes a token: 0. There is none: how many microseconds until there is.
  std::int64_t take(std::int64_t now_us, double a_second);

 private:
  double tokens_ = 0;
  std::int64_t filled_us_ = 0;  // 0: never, which is full
};

}  // namespace etl
