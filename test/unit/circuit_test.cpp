// Circuit breaker, token bucket, and the options that set them.
#include "core/circuit.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/server_limits.hpp"

namespace etl {
namespace {

using State = Circuit::State;

constexpr std::int64_t kSecond = 1'000'000;
constexpr CircuitRules kRules;

Circuit opened() {
  Circuit circuit;
  for (int i = 0; i < kRules.failures; ++i) (void)circuit.fail(kSecond, kRules, 0);
  return circuit;
}

TEST(Circuit, OpensAfterFailuresInARow) {
  Circuit circuit;
  for (int i = 1; i < kRules.failures; ++i) EXPECT_FALSE(circuit.fail(kSecond, kRules, 0));
  EXPECT_FALSE(circuit.succeed(kRules));
  for (int i = 1; i < kRules.failures; ++i) EXPECT_FALSE(circuit.fail(kSecond, kRules, 0));
  EXPECT_TRUE(circuit.admits(kSecond, false));
  EXPECT_TRUE(circuit.fail(kSecond, kRules, 0));
  EXPECT_EQ(circuit.state(), State::kOpen);
  EXPECT_EQ(circuit.opened_us(), kSecond);
}

TEST(Circuit, LetsWorkInAfterThePause) {
  Circuit circuit = opened();
  EXPECT_FALSE(circuit.admits(30 * kSecond, false));
  EXPECT_TRUE(circuit.admits(2 * kSecond, true)) << "a user asks";
  EXPECT_TRUE(circuit.admits(31 * kSecond, false));
  circuit.admit();
  EXPECT_EQ(circuit.state(), State::kHalfOpen);
  EXPECT_TRUE(circuit.admits(2 * kSecond, false)) << "the next, if this one ends without a request";
}

TEST(Circuit, ClosesAfterSuccessesInARow) {
  Circuit circuit = opened();
  circuit.admit();
  EXPECT_FALSE(circuit.succeed(kRules));
  EXPECT_FALSE(circuit.succeed(kRules));
  EXPECT_TRUE(circuit.succeed(kRules));
  EXPECT_EQ(circuit.state(), State::kClosed);
  EXPECT_EQ(circuit.failures(), 0);
  EXPECT_EQ(circuit.opened_us(), 0);
}

TEST(Circuit, PausesTwiceAsLongEachTimeUpToFiveMinutes) {
  Circuit circuit = opened();
  std::int64_t now = kSecond;
  for (const std::int64_t seconds : {30, 60, 120, 240, 300, 300}) {
    EXPECT_EQ(circuit.next_probe_us() - now, seconds * kSecond);
    now = circuit.next_probe_us();
    circuit.admit();
    EXPECT_TRUE(circuit.fail(now, kRules, 0));
    EXPECT_FALSE(circuit.fail(now, kRules, 0)) << "another request of the same probe";
  }
  EXPECT_EQ(circuit.opened_us(), kSecond);
  circuit.admit();
  for (int i = 0; i < 100; ++i) {
    (void)circuit.fail(now, kRules, 1);
    circuit.admit();
  }
  EXPECT_FALSE(circuit.succeed(kRules));
  EXPECT_TRUE(circuit.fail(now, kRules, 1));
  EXPECT_EQ(circuit.next_probe_us() - now, 240 * kSecond) << "jitter shortens by a fifth at most";
}

TEST(Circuit, BelievesASuccessWhileItIsOpen) {
  Circuit circuit = opened();
  EXPECT_TRUE(circuit.succeed(kRules));
  EXPECT_EQ(circuit.state(), State::kHalfOpen);
}

TEST(TokenBucket, HasOneSecondsWorthAndRefills) {
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bucket.take(kSecond, 10), 0);
  EXPECT_EQ(bucket.take(kSecond, 10), kSecond / 10);
  EXPECT_EQ(bucket.take(kSecond + kSecond / 10, 10), 0);
  EXPECT_GT(bucket.take(kSecond + kSecond / 10, 10), 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bucket.take(100 * kSecond, 10), 0);
  EXPECT_GT(bucket.take(100 * kSecond, 10), 0) << "not more than a second's worth";
}

TEST(TokenBucket, TakesRatesBelowOneASecondAndClocksThatGoBack) {
  TokenBucket bucket;
  EXPECT_EQ(bucket.take(100 * kSecond, 0.1), 0);
  EXPECT_EQ(bucket.take(100 * kSecond, 0.1), 10 * kSecond);
  EXPECT_EQ(bucket.take(50 * kSecond, 0.1), 10 * kSecond);
  EXPECT_EQ(bucket.take(60 * kSecond, 0.1), 0);
}

TEST(ServerLimits, AreReadFromOptions) {
  const ServerLimits limits = parse_server_limits({{"url", "x"},
                                                   {"breaker_failures", "7"},
                                                   {"breaker_pause", "2 minutes"},
                                                   {"breaker_successes", "1"},
                                                   {"requests_in_flight", "3"},
                                                   {"requests_per_second", "0.5"}});
  EXPECT_EQ(limits.circuit.failures, 7);
  EXPECT_EQ(limits.circuit.pause_us, 120 * kSecond);
  EXPECT_EQ(limits.circuit.successes, 1);
  EXPECT_EQ(limits.requests_in_flight, 3);
  EXPECT_EQ(limits.requests_per_second, 0.5);
  for (const auto& [name, text] : std::map<std::string, std::string>{{"breaker_failures", "0"},
                                                                     {"breaker_pause", "6 minutes"},
                                                                     {"breaker_successes", "1.5"},
                                                                     {"requests_in_flight", "many"},
                                                                     {"requests_per_second", "nan"}}) {
    EXPECT_THROW((void)parse_server_limits({{name, text}}), Error) << name;
  }
}

}  // namespace
}  // namespace etl
