// What goes to the HTTP client and what comes back.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "http/secret.hpp"

namespace etl::http {

struct Tls {
  std::string ca_file;  // PEM; trusted instead of the system's certificates. Empty: the system's.
  bool verify = true;   // off only by a superuser's setting; never falls back by itself
};

struct Request {
  std::string method = "GET";  // upper-case letters
  std::string url;             // as parse_url takes it
  // Names are tokens, values have no control characters; both are checked. The headers that frame a message (Host,
  // Content-Length, Transfer-Encoding, Content-Encoding, Connection, ...) belong to the client and are refused.
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const std::string> body;  // shared, so that a retry sends the identical bytes without a copy
  bool gzip_body = false;

  // At most one of: user with password (basic), bearer token, API key (Elasticsearch: base64 of id:key).
  std::string user;
  Secret password;
  Secret bearer;
  Secret api_key;

  std::chrono::milliseconds connect_timeout{5'000};  // name, TCP and TLS together
  std::chrono::milliseconds total_timeout{30'000};   // from submit, waiting for a free connection included
  // A transfer slower than this for so long is given up. It counts silence too: a server that computes for longer than
  // low_speed_time before it answers needs a larger value.
  long low_speed_bytes = 16;  // bytes per second
  std::chrono::seconds low_speed_time{30};
  std::size_t max_reply_bytes = 16u << 20;   // after decompression
  std::size_t max_header_bytes = 64u << 10;  // all header lines of all replies of this request
  std::chrono::milliseconds max_retry_after{300'000};
};

struct Reply {
  long status = 0;  // 0: there was no reply
  std::string content_type;
  std::string link;                                      // of the Link headers (RFC 8288), joined by commas
  std::string body;                                      // decompressed; cut where it failed if there is a failure
  std::optional<std::chrono::milliseconds> retry_after;  // at most max_retry_after
  bool connection_reused = false;
  std::chrono::milliseconds elapsed{0};  // from submit
  // Why there is no whole reply. A reply with status 500 is a whole reply. SQLSTATEs: 08001 could not resolve, connect
  // or agree on TLS; 08006 connection broken; PE001 not HTTP, or an encoding that is not; PE002 timeout; 54000 reply
  // over a cap; 42501 address not allowed; 53200 out of memory. Never holds user info, query, headers or body.
  std::optional<Error> failure;
};

}  // namespace etl::http
