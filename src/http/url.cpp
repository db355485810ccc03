#include "http/url.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "core/error.hpp"
#include "core/printable.hpp"

namespace etl::http {
namespace {

constexpr char kHint[] = "Write https://host[:port][/path].";

[[noreturn]] void refuse(std::string message, std::string detail = {}) {
  throw Error("22023", std::move(message), std::move(detail), kHint);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string part(CURLU* url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, what, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return text;
}

// Bytes that parsers are known to disagree about are refused before any parser sees them.
void check_bytes(std::string_view text) {
  if (text.empty()) refuse("URL is empty");
  if (text.size() > 8192) refuse("URL is longer than 8192 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) refuse("URL contains a blank or a control character");
    if (c == '\\') refuse("URL contains a backslash");
    if (c == '#') refuse("URL must not have a fragment");
  }
}

bool check_scheme(std::string_view text) {
  if (const std::size_t end = text.find("://"); end != text.npos) {
    const std::string_view scheme = text.substr(0, end);
    const bool tls = equal_ignoring_case(scheme, "https");
    if (tls || equal_ignoring_case(scheme, "http")) return tls;
  }
  refuse("URL scheme is not supported", "The scheme is neither https nor http.");
}

// The authority as written: libcurl decodes and rewrites hosts, and an entry of the policy matches only what was
// written.
std::string_view written_authority(std::string_view text) {
  text.remove_prefix(text.find("://") + 3);
  return text.substr(0, text.find_first_of("/?#"));
}

std::string_view written_host(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

std::string read_host(CURLU* url, std::string_view text) {
  const std::string_view authority = written_authority(text);
  if (authority.find('@') != authority.npos) {
    refuse("URL must not contain a user name or password", "Credentials belong into the secret of the server.");
  }
  const CURLUcode code = curl_url_set(url, CURLUPART_URL, std::string(text).c_str(),
                                      CURLU_DISALLOW_USER | CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME);
  if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (authority.empty() || code == CURLUE_NO_HOST) refuse("URL has no host");
  if (code != CURLUE_OK) refuse("URL is not valid", std::string(curl_url_strerror(code)) + ".");
  return part(url, CURLUPART_HOST);
}

Url read(std::string_view text, bool server) {
  check_bytes(text);
  Url url;
  url.tls = check_scheme(text);
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (!parsed) throw std::bad_alloc();
  const std::string host = read_host(parsed.get(), text);
  if (host.empty()) refuse("URL has no host");

  const std::string port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (url.port < 1 || url.port > 65535) refuse("URL has no valid port");
  if (equal_ignoring_case(written_host(written_authority(text)), host)) url.host = host;
  url.authority = host + ":" + port;
  // libcurl has decoded it, and messages name it.
  if (host.find(' ') != host.npos || printable(host, host.size()) != host) {
    refuse("URL host contains a blank, a control character or what is no UTF-8");
  }
  url.text = text;
  if (!server) return url;

  if (text.find('?') != text.npos) refuse("URL of a server must not have a query");
  if (url.host.empty()) refuse("URL host is not in its usual spelling", "The host is read as \"" + host + "\".");
  while (url.text.back() == '/') url.text.pop_back();
  return url;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

Url parse_url(std::string_view text) {
  return read(text, false);
}

Url parse_server_url(std::string_view text) {
  return read(text, true);
}

std::string resolve_reference(std::string_view base, std::string_view reference) {
  const Url from = parse_url(base);
  for (const char c : reference) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\')
      refuse("URL contains a blank or a control character");
  }
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (!url) throw std::bad_alloc();
  if (curl_url_set(url.get(), CURLUPART_URL, from.text.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, std::string(reference.substr(0, reference.find('#'))).c_str(),
                   CURLU_DISALLOW_USER) != CURLUE_OK) {
    refuse("URL of the next page is not valid");
  }
  const Url to = parse_url(part(url.get(), CURLUPART_URL));
  if (to.tls != from.tls || !equal_ignoring_case(to.host, from.host) || to.port != from.port) {
    throw Error("42501", "the next page is on another server",
                "It is on " + to.authority + ", while the requests go to " + from.authority + ".",
                "Make a server of its own for it: the credentials of one are not given to another.");
  }
  return to.text;
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 15];
  }
  return encoded;
}

std::string join_path(std::string_view base, std::initializer_list<std::string_view> segments) {
  std::string url(base);
  while (!url.empty() && url.back() == '/') url.pop_back();
  for (const std::string_view segment : segments) {
    if (segment.empty() || segment == "." || segment == "..") {
      throw Error("22023", "URL path segment \"" + std::string(segment) + "\" is not allowed");
    }
    url += '/';
    url += percent_encode(segment);
  }
  return url;
}

}  // namespace etl::http
