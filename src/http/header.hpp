// Header lines: what may be sent, and what is read from a reply.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

struct curl_slist;

namespace etl::http {

// The header lines of a request for libcurl, wiped when dropped.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList();

  // Adds the line as it is; wipes `line`.
  void add(std::string line);
  curl_slist* get() const noexcept { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// Checks method, headers and credentials, and builds the lines. Throws Error 22023; no message quotes a value.
void build_headers(const Request& request, HeaderList& list);

std::string base64(std::string_view bytes);

// Reads a Retry-After value, seconds or an HTTP date, as a delay from `now`: never negative, at most `cap`. Nothing if
// it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::system_clock::time_point now,
                                                           std::chrono::milliseconds cap);

// The target of the first link with the relation "next" (RFC 8288), as it is written; nothing if there is none.
std::optional<std::string> next_link(std::string_view links);

// The value of the header line if it is named `name` (lower case), without blanks around it.
std::optional<std::string_view> header_value(std::string_view line, std::string_view name);

}  // namespace etl::http
