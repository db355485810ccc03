#include "sink/elastic_index.hpp"

#include "core/server_limits.hpp"
#include "core/sqlstate.hpp"
#include "http/url.hpp"
#include "pg/document.hpp"
#include "pg/transaction.hpp"
#include "remote/server_request.hpp"
#include "sink/bulk_reply.hpp"
#include "sink/mapping.hpp"

namespace etl::sink {

namespace {

using std::chrono::seconds;

// What a late request can still do ends with the request: below gc_deletes (60 s), so that a version that was
// superseded by a delete cannot come back.
constexpr seconds kTotalTimeout{30};
constexpr seconds kConnectTimeout{5};
constexpr seconds kMaxRetryAfter{60};
constexpr char kBulkParameters[] =
    "?timeout=20s&filter_path=errors,items.*._id,items.*.status,items.*.error.type,items.*.error.reason";

std::vector<MappedField> mapped(const std::vector<pg::DocumentField>& fields) {
  std::vector<MappedField> all;
  for (const pg::DocumentField& field : fields) all.push_back({field.name, field.kind, mapped(field.children)});
  return all;
}

}  // namespace

std::string ElasticIndex::redacted(const std::string& body) const {
  return remote::redacted(spec_.server, body);
}

std::string ElasticIndex::url(const char* action) const {
  const std::string base = remote::base_url(spec_.server);
  return *action == '\0' ? http::join_path(base, {spec_.index}) : http::join_path(base, {spec_.index, action});
}

http::Request ElasticIndex::request(const char* method, std::string url) const {
  http::Request request;
  request.method = method;
  request.url = std::move(url);
  request.headers = {{"X-Opaque-Id", spec_.correlation_id}, {"X-Correlation-ID", spec_.correlation_id}};
  request.connect_timeout = parse_server_limits(spec_.server.options).connect_timeout.value_or(kConnectTimeout);
  request.total_timeout = kTotalTimeout;
  request.max_retry_after = kMaxRetryAfter;
  remote::add_credentials(spec_.server, request);
  return request;
}

http::Request ElasticIndex::bulk_request(std::shared_ptr<const std::string> body, std::size_t items) const {
  http::Request bulk = request("POST", url("_bulk") + kBulkParameters);
  bulk.headers.emplace_back("Content-Type", "application/x-ndjson");
  bulk.body = std::move(body);
  bulk.gzip_body = spec_.options.compress;
  bulk.max_reply_bytes = (4u << 20) + std::min<std::size_t>(items * 2048, 60u << 20);
  return bulk;
}

std::string ElasticIndex::body() const {
  pg::begin();
  std::vector<pg::DocumentField> fields;
  try {
    fields = pg::document_fields(spec_.columns);
    pg::commit(false);
  } catch (...) {
    pg::abort_transaction();
    throw;
  }
  return index_body(mapped(fields), spec_.options.index_settings, spec_.options.index_mappings);
}

void ElasticIndex::create(http::Client& client, pg::Gate& gate) const {
  const auto answered = [&](http::Reply reply) {
    remote::tell_gate(gate, reply);
    if (reply.failure) throw Error(*reply.failure);
    return reply;
  };
  const http::Reply found = answered(client.perform(request("HEAD", url(""))));
  if (found.status == 200) return;
  if (found.status != 404) throw refusal(found);
  if (spec_.goes_on) {
    throw Error("55000", "index \"" + spec_.index + "\" of server \"" + spec_.server.name + "\" is gone",
                "Rows up to the checkpoint were sent to it: they would be missing in a new one.",
                "Use etl.reset() to send all rows, or restore the index.");
  }
  http::Request put = request("PUT", url(""));
  put.headers.emplace_back("Content-Type", "application/json");
  put.body = std::make_shared<const std::string>(body());
  const http::Reply made = answered(client.perform(std::move(put)));
  if (made.status >= 200 && made.status < 300) return;
  if (made.status == 400 && read_error_type(made.body) == "resource_already_exists_exception") return;
  throw refusal(made);
}

Error ElasticIndex::refusal(const http::Reply& reply) const {
  const std::string whom = "server \"" + spec_.server.name + "\"";
  std::string detail = "HTTP status " + std::to_string(reply.status) + ".";
  if (const std::string reason = read_error_reason(redacted(reply.body)); !reason.empty())
    detail += " It said: " + reason;
  if (reply.status == 401 || reply.status == 403) {
    return Error(sqlstate::kSinkAuth, whom + " refused the credentials for index \"" + spec_.index + "\"", detail,
                 "Check the user mapping, the secret file, and what this user may do on the index.");
  }
  if (reply.status == 429 || reply.status >= 500) {
    return Error(sqlstate::kSinkUnavailable, whom + " cannot take requests now", detail);
  }
  return Error(sqlstate::kSinkRefused, whom + " refused a request for index \"" + spec_.index + "\"", detail,
               "Check the server's url, index_settings and index_mappings.");
}

}  // namespace etl::sink
