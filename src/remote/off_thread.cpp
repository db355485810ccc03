#include "remote/off_thread.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "core/error.hpp"
#include "core/signal_block.hpp"
#include "pg/process.hpp"

namespace etl::remote {

namespace {

constexpr long kGlanceMs = 1000;  // a waiter looks for interrupts at least so often

std::atomic<int> running = 0;

// Both sides own it: whoever ends last closes the pipe, and lets go of what the work owns.
struct Errand {
  std::function<void()> work;
  int pipe[2] = {-1, -1};  // its writing end is closed when the work is done

  explicit Errand(std::function<void()> w) : work(std::move(w)) {}
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;
  ~Errand() {
    close_end(0);
    close_end(1);
  }
  void close_end(int end) {
    if (pipe[end] >= 0) ::close(pipe[end]);
    pipe[end] = -1;
  }
};

void run(std::shared_ptr<Errand>& errand) noexcept {
  errand->work();
  errand->close_end(1);
  errand.reset();
  --running;
}

void start(const std::shared_ptr<Errand>& errand) {
  // A thread that is left must not meet exit(), where OpenSSL lets go of what it uses.
  static const bool told = (pg::exit_at_once_when([] { return running > 0; }), true);
  (void)told;
  const SignalBlock block;
  ++running;
  try {
    std::thread([mine = std::shared_ptr(errand)]() mutable { run(mine); }).detach();
  } catch (const std::system_error& error) {
    --running;
    throw Error("53000", "could not start a thread", error.what());
  } catch (...) {
    --running;
    throw;
  }
}

}  // namespace

bool run_off_thread(std::function<void()> work, http::Waiter& waiter, Clock::time_point until) {
  const auto errand = std::make_shared<Errand>(std::move(work));
  if (::pipe2(errand->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Error("53000", "could not make a pipe", std::strerror(errno));
  }
  const int end = errand->pipe[0];
  start(errand);
  char byte = 0;
  while (::read(end, &byte, 1) < 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    (void)waiter.wait({{end, true, false}}, static_cast<int>(std::min<long>(left, kGlanceMs)));
  }
  return true;
}

}  // namespace etl::remote
