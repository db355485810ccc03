#include "http/failure.hpp"

#include <curl/curl.h>

#include <algorithm>

#include "core/sqlstate.hpp"

namespace etl::http {
namespace {

constexpr char kCaHint[] =
    "Check ca_file of the server, the name in its certificate, and that it speaks TLS 1.2 or later.";

struct Kind {
  const char* sqlstate;
  const char* verb;
  const char* hint;
};

Kind kind_of(int code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {"08001", "could not resolve the host of", "Check the host name and the name service of this machine."};
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
      return {"08001", "could not connect to", ""};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return {"08001", "could not establish TLS with", kCaHint};
    case CURLE_OPERATION_TIMEDOUT:
      return {sqlstate::kSinkTimeout, "timeout in the exchange with", ""};
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // the scheme was checked: this is a reply that is not HTTP/1
    case CURLE_BAD_CONTENT_ENCODING:
      return {sqlstate::kSinkUnavailable, "could not understand the reply of", ""};
    case CURLE_OUT_OF_MEMORY:
      return {"53200", "out of memory in the exchange with", ""};
    default:
      return {"08006", "connection broke in the exchange with", ""};
  }
}

}  // namespace

std::string to_sentence(std::string_view text) {
  std::string sentence(text.substr(0, 300));
  std::replace_if(
      sentence.begin(), sentence.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  if (!sentence.empty() && sentence.back() != '.') sentence += '.';
  return sentence;
}

Error make_failure(int code, std::string_view authority, std::string_view seen) {
  const Kind kind = kind_of(code);
  if (seen.empty()) seen = curl_easy_strerror(static_cast<CURLcode>(code));
  return Error(kind.sqlstate, std::string(kind.verb) + " \"" + std::string(authority) + "\"", to_sentence(seen),
               kind.hint);
}

}  // namespace etl::http
