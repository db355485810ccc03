// How an HTTP API is read page by page: param `pagination` of source http_json.
//
//   link     the next URL stands in the header Link with rel="next" (RFC 8288), or in the reply at the path `next`
//   token    it stands in the reply at the path `next`, and goes into the query as `param`
//   page     numbers, from `first` (1) on, as `param`
//   offset   how many records were read, as `param`
// With `size`, a page has so many records: it goes into the query as `size_param`, and a page with fewer is the last
// one. Without, a page (or offset) without records is the last one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/member_path.hpp"

namespace etl::source {

struct Pagination {
  enum class Type { kNone, kLink, kToken, kPage, kOffset };
  Type type = Type::kNone;
  std::string param;
  json::MemberPath next;  // of it in the reply; none: the header
  std::int64_t first = 1;
  std::string size_param;
  std::int64_t size = 0;             // 0: not given
  std::int64_t max_pages = 100'000;  // of a run
};

std::string_view name_of(Pagination::Type type);

// Error 22023: a member that its type lacks, or does not know, or a number out of range.
Pagination read_pagination(const json::Value& params);

// A page is named by its state: "" is the first one, else a URL, a token, or a number.
// first_url: of the server with path and query.
std::string page_url(const Pagination& pagination, const std::string& first_url, const std::string& state);

struct PageReply {
  const json::Value& body;
  std::string_view link;  // header
  std::uint64_t records = 0;
};
// The state of the page behind `state`; nothing: that is the last one. Error PE020 when the server names the same page
// again, which would never end, or one by bytes that no checkpoint can keep.
std::optional<std::string> next_state(const Pagination& pagination, const std::string& state, const PageReply& reply);

}  // namespace etl::source
