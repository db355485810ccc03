// The one HTTP client: several requests in flight over kept connections, in one thread, without ever blocking on its
// own.
//
//   Client client(waiter, AddressPolicy::parse(allowed_hosts), tls, 4);
//   const Ticket ticket = client.submit(std::move(request));
//   while (client.in_flight() > 0) {
//     client.pump(1000);
//     while (std::optional<Completed> done = client.take()) use(done->ticket, done->reply);
//   }
//
// Only the injected Waiter sleeps; what it throws passes through pump() and perform() and leaves the client usable.
// Nothing is retried, but for one thing libcurl does: a request on a kept connection that the server had closed is sent
// again on a new one, if no byte of a reply came. No redirect is followed: a 3xx is a reply.
// Not for use by several threads. Signals are blocked around all that may start libcurl's resolver thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "http/message.hpp"
#include "http/policy.hpp"
#include "http/waiter.hpp"

namespace etl::http {

using Ticket = std::uint64_t;

struct Completed {
  Ticket ticket;
  Reply reply;
};

class Client {
 public:
  // `waiter` must outlive the client. At most `max_connections` requests are under way at once, the others queue; as
  // many connections are kept. The first client of a process initializes libcurl.
  Client(Waiter& waiter, AddressPolicy policy, Tls tls, int max_connections);
  // Gives up what is in flight; does not wait, not even for a name service that never answers.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Takes the request on. Throws Error 22023 if it is malformed; all later failures are in the reply.
  Ticket submit(Request request);

  // Moves the transfers on; sleeps at most `timeout_ms` (-1: until something happens), and not at all if nothing is in
  // flight or a completed request waits to be taken.
  void pump(int timeout_ms);

  // A completed request, in order of completion.
  std::optional<Completed> take();

  // Sends one request and waits for its end. If the waiter throws, the request is given up.
  Reply perform(Request request);

  // Gives a request up, wherever it is; its reply will not come.
  void cancel(Ticket ticket);

  // Requests taken on and not completed.
  std::size_t in_flight() const noexcept;

  // Nothing is in flight, and nothing waits to be taken.
  bool at_rest() const noexcept;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace etl::http
