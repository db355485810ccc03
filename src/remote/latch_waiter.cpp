#include "remote/latch_waiter.hpp"

#include "pg/wait.hpp"

namespace etl::remote {

std::vector<http::Socket> LatchWaiter::wait(const std::vector<http::Socket>& wanted, int timeout_ms) {
  std::vector<pg::WaitSocket> sockets;
  for (const http::Socket& socket : wanted) sockets.push_back({socket.fd, socket.readable, socket.writable});
  std::vector<http::Socket> ready;
  for (const pg::WaitSocket& socket : pg::wait_for_sockets(sockets, timeout_ms)) {
    ready.push_back({socket.fd, socket.readable, socket.writable});
  }
  return ready;
}

}  // namespace etl::remote
