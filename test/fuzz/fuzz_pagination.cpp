// A reply of an API: a line as its header Link, and any bytes as its body. However pages follow each other, the next
// one has a name that a checkpoint can keep, and its URL is on the same server and holds nothing else that the reply
// chose.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "file/utf8.hpp"
#include "http/header.hpp"
#include "http/url.hpp"
#include "source/pagination.hpp"

namespace {

using etl::source::PageReply;
using etl::source::Pagination;

constexpr char kFirst[] = "https://h:9200/v1/items?x=1";

void require(bool holds) {
  if (!holds) abort();
}

bool is_text(std::string_view text) {
  return etl::file::valid_utf8(text) == text.size() && text.find('\0') == text.npos;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    require(i + 2 < text.size());
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

void require_url(const Pagination& pagination, const std::string& state) {
  std::string url;
  try {
    url = etl::source::page_url(pagination, kFirst, state);
  } catch (const etl::Error& error) {
    require(pagination.type == Pagination::Type::kLink && is_text(error.message + error.detail));
    require(error.sqlstate == "42501" || error.sqlstate == "22023");
    return;
  }
  if (pagination.type == Pagination::Type::kLink) {
    const etl::http::Url read = etl::http::parse_url(url);
    require(read.tls && lower(read.authority) == "h:9200");
  } else {
    const std::string start = std::string(kFirst) + "&" + pagination.param + "=";
    require(url.starts_with(start) && url.find_first_of("&=#/ \r\n", start.size()) == url.npos);
    require(decoded(url.substr(start.size())) == state);
  }
}

void follow(const Pagination& pagination, const PageReply& reply) {
  std::optional<std::string> next;
  try {
    next = etl::source::next_state(pagination, "", reply);
  } catch (const etl::Error& error) {
    require(error.sqlstate == "PE020" && is_text(error.message + error.detail));
    return;
  }
  if (!next) return;
  require(!next->empty() && is_text(*next));
  require(etl::json::read_texts(etl::json::parse(etl::json::write_texts({*next}), "a position")).at(0) == next);
  require_url(pagination, *next);
  try {
    const std::optional<std::string> later = etl::source::next_state(pagination, *next, reply);
    require(later && std::stoll(*later) > std::stoll(*next));  // numbers only
  } catch (const etl::Error& error) {
    require(error.sqlstate == "PE020" && is_text(error.message + error.detail));  // it says the same again
  }
}

Pagination made(Pagination::Type type, const char* param, etl::json::MemberPath next) {
  Pagination pagination;
  pagination.type = type;
  pagination.param = param;
  pagination.next = std::move(next);
  pagination.first = type == Pagination::Type::kPage ? 1 : 0;
  return pagination;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Type = Pagination::Type;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), size);
  const std::string_view link = text.substr(0, line);
  if (const auto target = etl::http::next_link(link)) {
    require(link.find("<" + *target + ">") != link.npos && target->find('>') == target->npos);
  }
  etl::json::Document body;
  try {
    body = etl::json::parse(text.substr(std::min(line + 1, size)), "the reply");
  } catch (const etl::Error&) {
    body.SetNull();
  }
  const std::uint64_t records = body.IsArray() ? body.Size() : size % 3;
  for (const Pagination& pagination : {
           made(Type::kLink, "", {}),
           made(Type::kLink, "", {"next"}),
           made(Type::kToken, "t", {"next"}),
           made(Type::kToken, "t", {"meta", "next"}),
           made(Type::kPage, "p", {}),
           made(Type::kOffset, "o", {}),
       }) {
    follow(pagination, {body, link, records});
  }
  return 0;
}
