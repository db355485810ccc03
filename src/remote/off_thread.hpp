// Runs what blocks or computes for as long as another machine likes on a thread of its own, so that it cannot keep the
// session from a cancel, a shutdown or the end of its time.
#pragma once

#include <chrono>
#include <functional>

#include "http/waiter.hpp"

namespace etl::remote {

using Clock = std::chrono::steady_clock;

// Returns when `work` is done, or false when that is not so by `until`. Throws whatever `waiter` throws, and Error
// 53000 when there can be no thread. Whoever is not waited for goes on alone: `work` must own all that it touches,
// throw nothing, and know nothing of PostgreSQL.
bool run_off_thread(std::function<void()> work, http::Waiter& waiter, Clock::time_point until);

}  // namespace etl::remote
