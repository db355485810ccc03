#include "source/pagination.hpp"

#include <charconv>

#include "core/printable.hpp"
#include "core/sqlstate.hpp"
#include "file/utf8.hpp"
#include "http/header.hpp"
#include "http/url.hpp"

namespace etl::source {

namespace {

using Type = Pagination::Type;

constexpr char kHint[] =
    "Write {\"type\": \"link\"}, {\"type\": \"token\", \"next\": \"meta.next\", \"param\": \"token\"}, {\"type\": "
    "\"page\", "
    "\"param\": \"page\"} or {\"type\": \"offset\", \"param\": \"offset\"}.";

constexpr std::int64_t kMostRecords = 1'000'000'000'000'000;  // far from overflow, whatever is added to it

std::int64_t number(const std::string& text, std::int64_t otherwise) {
  std::int64_t value = otherwise;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string text_of(const json::Value& object, const char* name) {
  return json::text_member(object, name).value_or("");
}

// A JSON schema's integer may have more than 64 bits.
std::int64_t number_of(const json::Value& object, const char* name, std::int64_t otherwise) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd()) return otherwise;
  const json::Value& value = member->value;
  if (value.IsInt64() && value.GetInt64() <= kMostRecords) return value.GetInt64();
  throw Error("22023", "pagination cannot take this " + std::string(name), "It is " + json::write(value) + ".",
              "Use at most " + std::to_string(kMostRecords) + ".");
}

void want(bool fits, const char* message) {
  if (!fits) throw Error("22023", message, {}, kHint);
}

std::string with_query(const std::string& url, const std::string& name, const std::string& value) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + http::percent_encode(name) + "=" +
         http::percent_encode(value);
}

// A string or a number; empty: nothing, or null.
std::string state_of(const json::Value* value) {
  if (value == nullptr) return {};
  if (value->IsString()) return std::string(json::text(*value));
  return value->IsNumber() ? json::write(*value) : std::string();
}

[[noreturn]] void refuse_next(const char* message, const std::string& next) {
  throw Error(sqlstate::kSinkRefused, message, "It is \"" + printable(next, 200) + "\".",
              "Check pagination: the API may want another param.");
}

}  // namespace

std::string_view name_of(Type type) {
  constexpr std::string_view kNames[] = {"page", "link", "token", "page", "offset"};
  return kNames[static_cast<std::size_t>(type)];
}

Pagination read_pagination(const json::Value& params) {
  Pagination p;
  const auto found = params.FindMember("pagination");
  if (found == params.MemberEnd()) return p;
  const json::Value& value = found->value;
  const std::string type = text_of(value, "type");
  p.type = type == "link" ? Type::kLink : type == "token" ? Type::kToken : type == "page" ? Type::kPage : Type::kOffset;
  p.param = text_of(value, "param");
  if (const std::string next = text_of(value, "next"); !next.empty()) p.next = json::read_path(next, "next");
  p.size_param = text_of(value, "size_param");
  p.size = number_of(value, "size", 0);
  p.max_pages = number_of(value, "max_pages", p.max_pages);
  p.first = number_of(value, "first", p.type == Type::kOffset ? 0 : 1);
  want(p.type == Type::kLink || !p.param.empty(), "pagination needs a param");
  want(p.type != Type::kLink || p.param.empty(), "pagination by link takes no param");
  want(p.type != Type::kToken || !p.next.empty(), "pagination by token needs next");
  want(p.next.empty() || p.type == Type::kLink || p.type == Type::kToken, "pagination by page or offset takes no next");
  want(p.size_param.empty() || p.size > 0, "pagination with size_param needs a size");
  want(!value.HasMember("first") || p.type == Type::kPage || p.type == Type::kOffset,
       "pagination by link or token takes no first");
  return p;
}

std::string page_url(const Pagination& p, const std::string& first_url, const std::string& state) {
  if (p.type == Type::kLink && !state.empty()) return http::resolve_reference(first_url, state);
  std::string url = first_url;
  if (!p.size_param.empty()) url = with_query(url, p.size_param, std::to_string(p.size));
  if (p.type == Type::kToken && !state.empty()) return with_query(url, p.param, state);
  if (p.type == Type::kPage || p.type == Type::kOffset) {
    return with_query(url, p.param, std::to_string(number(state, p.first)));
  }
  return url;
}

std::optional<std::string> next_state(const Pagination& p, const std::string& state, const PageReply& reply) {
  if (p.type == Type::kNone) return std::nullopt;
  if (p.type == Type::kPage || p.type == Type::kOffset) {
    if (reply.records == 0 || reply.records < static_cast<std::uint64_t>(p.size)) return std::nullopt;
    const std::int64_t step = p.type == Type::kPage ? 1 : static_cast<std::int64_t>(reply.records);
    return std::to_string(number(state, p.first) + step);
  }
  const std::string next =
      p.next.empty() ? http::next_link(reply.link).value_or("") : state_of(json::find_at(reply.body, p.next));
  if (next.empty()) return std::nullopt;
  if (next == state) refuse_next("the server names the same page as the next one", next);
  if (file::valid_utf8(next) != next.size() || next.find('\0') != std::string::npos) {
    refuse_next("the server names a next page that is no text", next);
  }
  return next;
}

}  // namespace etl::source
