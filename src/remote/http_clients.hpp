// HTTP clients that outlast a run: a worker that leads one run after another goes on over the connections it has, so
// that short runs need no new ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/client.hpp"
#include "pg/server.hpp"

namespace etl::remote {

// What a client was made for: another with the same terms takes it over.
struct ClientTerms {
  unsigned server = 0;  // OID
  std::string url;
  std::string ca_file;
  std::int64_t ca_changed_ns = 0;  // libcurl keeps what it has read of it
  std::string allowed_hosts;
  int max_connections = 1;
  bool operator==(const ClientTerms&) const = default;
};

// Keeps the client for the next who asks, if this is a worker and nothing of it is under way.
struct GiveBack {
  ClientTerms terms;
  void operator()(http::Client* client) noexcept;
};

using HttpClient = std::unique_ptr<http::Client, GiveBack>;

// For requests to the server, of which so many are under way at once. It sleeps on PostgreSQL's latch.
HttpClient http_client(const pg::Server& server, int max_connections);

}  // namespace etl::remote
