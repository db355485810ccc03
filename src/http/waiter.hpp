// How the HTTP client sleeps.
//
// The client never waits by itself: it hands the sockets it cares about to a Waiter. In the server that is PostgreSQL's
// latch, so that a cancel or a shutdown ends a network wait at once; tests, benches and fuzzers use PollWaiter.
#pragma once

#include <vector>

namespace etl::http {

struct Socket {
  int fd;
  bool readable;
  bool writable;
};

class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;

  // Sleeps until one of the sockets is ready for what `wanted` asks of it, `timeout_ms` have passed (-1: no limit, 0:
  // looks and returns), or the process is woken for another reason. Returns the sockets that are ready, possibly none;
  // a socket in error counts as ready for all it was wanted for. May throw to end the wait (cancel, shutdown): the
  // client stays usable and the transfers stay in flight.
  virtual std::vector<Socket> wait(const std::vector<Socket>& wanted, int timeout_ms) = 0;
};

// Waits in poll(2). A signal ends the wait early with no socket ready.
class PollWaiter : public Waiter {
 public:
  std::vector<Socket> wait(const std::vector<Socket>& wanted, int timeout_ms) override;
};

}  // namespace etl::http
