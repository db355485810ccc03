#include <poll.h>

#include "http/waiter.hpp"

namespace etl::http {

std::vector<Socket> PollWaiter::wait(const std::vector<Socket>& wanted, int timeout_ms) {
  std::vector<pollfd> polled;
  polled.reserve(wanted.size());
  for (const Socket& socket : wanted) {
    const int events = (socket.readable ? POLLIN : 0) | (socket.writable ? POLLOUT : 0);
    polled.push_back({socket.fd, static_cast<short>(events), 0});
  }
  std::vector<Socket> ready;
  if (::poll(polled.data(), polled.size(), timeout_ms) <= 0) return ready;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    const bool broken = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    const bool readable = wanted[i].readable && (broken || (polled[i].revents & POLLIN) != 0);
    const bool writable = wanted[i].writable && (broken || (polled[i].revents & POLLOUT) != 0);
    if (readable || writable) ready.push_back({polled[i].fd, readable, writable});
  }
  return ready;
}

}  // namespace etl::http
