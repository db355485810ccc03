// URLs: what a server's base URL may be, and how a path is joined to it.
//
// libcurl's parser reads every URL, so that what is checked is what is used. No error of this file quotes a URL: it may
// hold a password.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace etl::http {

struct Url {
  std::string text;  // as libcurl gets it
  bool tls = false;
  // As written, IPv6 in brackets; empty if libcurl reads the host differently from how it is written (127.1, %31, a
  // zone): then no entry by name can match it.
  std::string host;
  int port = 0;
  std::string authority;  // host:port for messages
};

// Reads the URL of a request. Throws Error 22023 unless the scheme is http or https, a host is present, and there are
// neither user info nor fragment, backslashes, blanks or control characters.
Url parse_url(std::string_view text);

// Reads the base URL of a server, at definition: as parse_url, and no query, and the host in its usual spelling.
// `text` of the result has no slash at its end.
Url parse_server_url(std::string_view text);

// What a reference in a reply of `base` leads to (RFC 3986): an URL, a path, or a query. Throws Error 42501 when that
// is another scheme, host or port, where the credentials of this server do not belong; 22023 as parse_url.
std::string resolve_reference(std::string_view base, std::string_view reference);

// Escapes all but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

// base/segment/segment, each segment escaped. Throws Error 22023 for an empty segment, "." or "..", which no escape
// protects on every server.
std::string join_path(std::string_view base, std::initializer_list<std::string_view> segments);

}  // namespace etl::http
