#include "remote/http_clients.hpp"

#include <sys/stat.h>

#include <utility>
#include <vector>

#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "remote/latch_waiter.hpp"
#include "remote/named_server.hpp"

namespace etl::remote {

namespace {

constexpr std::size_t kMostKept = 8;  // each with as many connections as its terms say

struct Kept {
  ClientTerms terms;
  std::unique_ptr<http::Client> client;
};

// Never destroyed: at exit() OpenSSL has cleaned up before our destructors would. The system closes the sockets.
std::vector<Kept>& kept_clients() {
  static auto& kept = *new std::vector<Kept>;
  return kept;
}

std::int64_t changed_ns(const std::string& file) {
  struct stat status {};
  if (file.empty() || ::stat(file.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
}

}  // namespace

void GiveBack::operator()(http::Client* given) noexcept try {
  std::unique_ptr<http::Client> client(given);
  if (!pg::is_worker() || !client->at_rest()) return;
  std::vector<Kept>& kept = kept_clients();
  if (kept.size() == kMostKept) kept.erase(kept.begin());
  kept.push_back({std::move(terms), std::move(client)});
} catch (...) {
  return;  // no memory to keep it: it is gone
}

HttpClient http_client(const pg::Server& server, int max_connections) {
  static LatchWaiter waiter;
  ClientTerms terms;
  terms.server = server.gate.server;
  terms.url = option(server.options, "url");
  terms.ca_file = ca_file(server);
  terms.ca_changed_ns = changed_ns(terms.ca_file);
  terms.allowed_hosts = pg::allowed_hosts();
  terms.max_connections = max_connections;
  std::vector<Kept>& kept = kept_clients();
  for (auto known = kept.begin(); known != kept.end(); ++known) {
    if (known->terms != terms) continue;
    std::unique_ptr<http::Client> client = std::move(known->client);
    kept.erase(known);
    return HttpClient(client.release(), GiveBack{std::move(terms)});
  }
  auto client = std::make_unique<http::Client>(waiter, http::AddressPolicy::parse(terms.allowed_hosts),
                                               http::Tls{terms.ca_file, true}, max_connections);
  return HttpClient(client.release(), GiveBack{std::move(terms)});
}

}  // namespace etl::remote
