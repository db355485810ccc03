// One index of an Elasticsearch or OpenSearch server: its requests, with credentials, and its creation.
#pragma once

#include <string>
#include <vector>

#include "http/client.hpp"
#include "model/options.hpp"
#include "pg/gate.hpp"
#include "pg/relation.hpp"
#include "pg/server.hpp"

namespace etl::sink {

struct ElasticSpec {
  pg::Server server;                // options url, ca_file; user mapping user + password_file, or api_key_file
  std::string index;                // a checked name
  std::vector<pg::Column> columns;  // of the source
  std::vector<std::string> keys;
  model::Options options;
  std::string correlation_id;  // goes out as X-Opaque-Id and X-Correlation-ID
  bool goes_on = false;        // rows were sent before, which the index must hold
};

class ElasticIndex {
 public:
  explicit ElasticIndex(const ElasticSpec& spec) : spec_(spec) {}

  // The requests. Secrets are read just before use and wiped by the client. Errors of pg::read_secret; 22023 when the
  // user mapping is half.
  http::Request bulk_request(std::shared_ptr<const std::string> body, std::size_t items) const;

  // Creates the index unless it, or an alias of its name, exists; another creator at the same time is fine. No
  // transaction is open. Errors: the transport's, and those of refusal(); 55000 when rows were sent before, and it is
  // gone.
  void create(http::Client& client, pg::Gate& gate) const;

  // The reply's body without the credentials that were sent: a server may echo them. Empty if they cannot be read.
  std::string redacted(const std::string& body) const;

  // What a reply with an error status means for everything that is sent there: PE001 for 429 and 5xx, PE021 for 401 and
  // 403, else PE020; with the engine's reason, cut.
  Error refusal(const http::Reply& reply) const;

 private:
  http::Request request(const char* method, std::string url) const;
  std::string url(const char* action) const;
  std::string body() const;

  const ElasticSpec& spec_;
};

}  // namespace etl::sink
