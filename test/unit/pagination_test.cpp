// The pages of an HTTP API: what a definition may say, which URL a page has, and which page follows.
#include "source/pagination.hpp"

#include <gtest/gtest.h>

#include "unit/error_of.hpp"

namespace etl::source {
namespace {

constexpr char kFirst[] = "https://h/v1/items?x=1";
using State = std::optional<std::string>;

Pagination read(const std::string& pagination) {
  return read_pagination(json::parse("{\"pagination\":" + pagination + "}", "params"));
}

State after(const Pagination& pagination, const std::string& state, std::uint64_t records) {
  return next_state(pagination, state, {json::Document(), "", records});
}

State named_in(const Pagination& pagination, std::string_view body, const std::string& state = "") {
  return next_state(pagination, state, {json::parse(body, "the reply"), "", 1});
}

State linked(const Pagination& pagination, std::string_view header, const std::string& state = "") {
  return next_state(pagination, state, {json::Document(), header, 1});
}

TEST(Pagination, NoneIsOnePage) {
  const Pagination none = read_pagination(json::parse("{}", "params"));
  EXPECT_EQ(page_url(none, kFirst, ""), kFirst);
  EXPECT_EQ(next_state(none, "", {json::Document(), R"(</2>; rel="next")", 100}), std::nullopt);
}

TEST(Pagination, PagesAreCounted) {
  const Pagination p = read(R"({"type":"page","param":"page"})");
  EXPECT_EQ(page_url(p, "https://h/items", ""), "https://h/items?page=1");
  EXPECT_EQ(page_url(p, kFirst, "2"), "https://h/v1/items?x=1&page=2");
  EXPECT_EQ(after(p, "", 1), "2");
  EXPECT_EQ(after(p, "9", 1), "10");
  EXPECT_EQ(after(p, "9", 0), std::nullopt);
  const Pagination from_zero = read(R"({"type":"page","param":"page","first":0})");
  EXPECT_EQ(page_url(from_zero, kFirst, ""), "https://h/v1/items?x=1&page=0");
  EXPECT_EQ(after(from_zero, "", 1), "1");
}

TEST(Pagination, OffsetsAreRecords) {
  const Pagination p = read(R"({"type":"offset","param":"skip"})");
  EXPECT_EQ(page_url(p, kFirst, ""), "https://h/v1/items?x=1&skip=0");
  EXPECT_EQ(after(p, "", 7), "7");
  EXPECT_EQ(after(p, "7", 3), "10");
  EXPECT_EQ(after(p, "10", 0), std::nullopt);
  EXPECT_EQ(after(read(R"({"type":"offset","param":"skip","first":1})"), "", 7), "8");
}

TEST(Pagination, APageThatIsNotFullIsTheLast) {
  for (const char* type : {"page", "offset"}) {
    const Pagination p = read(std::string(R"({"param":"p","size":10,"size_param":"limit","type":")") + type + "\"}");
    EXPECT_EQ(page_url(p, kFirst, "5"), "https://h/v1/items?x=1&limit=10&p=5");
    EXPECT_EQ(after(p, "", 9), std::nullopt);
    EXPECT_NE(after(p, "", 10), std::nullopt);
    EXPECT_NE(after(p, "", 11), std::nullopt);  // the server gives as many as it likes
  }
}

TEST(Pagination, ATokenIsAStringOrANumber) {
  const Pagination p = read(R"({"type":"token","param":"token","next":"meta.next"})");
  EXPECT_EQ(page_url(p, kFirst, ""), kFirst);
  EXPECT_EQ(named_in(p, R"({"meta":{"next":"a=b&c"}})"), "a=b&c");
  EXPECT_EQ(named_in(p, R"({"meta":{"next":18446744073709551615}})"), "18446744073709551615");
  EXPECT_EQ(named_in(p, R"({"meta":{"next":0}})"), "0");
  for (const char* last : {R"({"meta":{"next":null}})", R"({"meta":{"next":""}})", R"({"meta":{"next":false}})",
                           R"({"meta":{}})", R"({"meta":[]})", "[]"}) {
    EXPECT_EQ(named_in(p, last), std::nullopt) << last;
  }
}

TEST(Pagination, NamesAndTokensAreEscaped) {
  const Pagination p = read(R"({"type":"token","param":"page[token]","next":"n","size":5,"size_param":"a b"})");
  EXPECT_EQ(page_url(p, kFirst, ""), "https://h/v1/items?x=1&a%20b=5");
  EXPECT_EQ(page_url(p, kFirst, "a&x=2#\r\n+/é"),
            "https://h/v1/items?x=1&a%20b=5&page%5Btoken%5D=a%26x%3D2%23%0D%0A%2B%2F%C3%A9");
}

TEST(Pagination, ALinkIsInTheHeaderOrInTheReply) {
  const Pagination header = read(R"({"type":"link","size":5,"size_param":"limit"})");
  EXPECT_EQ(page_url(header, kFirst, ""), "https://h/v1/items?x=1&limit=5");
  EXPECT_EQ(linked(header, R"(</v1/items?p=1>; rel="prev", </v1/items?p=3>; rel="next")"), "/v1/items?p=3");
  EXPECT_EQ(linked(header, R"(</v1/items?p=1>; rel="prev")"), std::nullopt);
  EXPECT_EQ(linked(header, ""), std::nullopt);
  EXPECT_EQ(page_url(header, kFirst, "/v1/items?p=3"), "https://h/v1/items?p=3");  // it says all that is to be asked
  const Pagination body = read(R"({"type":"link","next":"links.next"})");
  EXPECT_EQ(named_in(body, R"({"links":{"next":"?p=2"}})"), "?p=2");
  EXPECT_EQ(linked(body, R"(</v1/items?p=3>; rel="next")"), std::nullopt);
  EXPECT_EQ(page_url(body, kFirst, "?p=2"), "https://h/v1/items?p=2");
}

TEST(Pagination, ALinkStaysOnTheServer) {
  const Pagination p = read(R"({"type":"link"})");
  for (const char* away : {"https://other/v1", "//other/v1", "http://h/v1", "https://h:444/v1", "https://h.other/"}) {
    EXPECT_EQ(error_of([&] { page_url(p, kFirst, away); }).sqlstate, "42501") << away;
  }
}

TEST(Pagination, TheSamePageAgainIsAnError) {
  const Pagination token = read(R"({"type":"token","param":"t","next":"n"})");
  const Pagination link = read(R"({"type":"link"})");
  EXPECT_EQ(named_in(token, R"({"n":"a"})", "b"), "a");
  EXPECT_EQ(error_of([&] { named_in(token, R"({"n":"a"})", "a"); }).sqlstate, "PE020");
  EXPECT_EQ(error_of([&] { named_in(token, R"({"n":7})", "7"); }).sqlstate, "PE020");
  EXPECT_EQ(error_of([&] { linked(link, "</2>; rel=next", "/2"); }).sqlstate, "PE020");
  std::string name = "a\x1b";
  while (name.size() < 400) name += "é";
  EXPECT_EQ(error_of([&] { linked(link, "<" + name + ">; rel=next", name); }).detail,
            "It is \"a\\x1b" + name.substr(2, 194) + "\".");
}

// A checkpoint is text of the database.
TEST(Pagination, APageIsNamedByText) {
  const Pagination token = read(R"({"type":"token","param":"t","next":"n"})");
  const Pagination link = read(R"({"type":"link"})");
  EXPECT_EQ(linked(link, "</\xc3\xa9>; rel=next"), "/\xc3\xa9");
  for (const char* name : {"/\xe9", "/\xc3", "/\xed\xa0\x80"}) {
    EXPECT_EQ(error_of([&] { linked(link, "<" + std::string(name) + ">; rel=next"); }).sqlstate, "PE020") << name;
  }
  const Error error = error_of([&] { named_in(token, R"({"n":"a\u0000b"})"); });
  EXPECT_EQ(error.sqlstate, "PE020");
  EXPECT_EQ(error.detail, "It is \"a\\x00b\".");
}

TEST(Pagination, RefusesWhatItsTypeLacksOrDoesNotKnow) {
  for (const char* wrong : {
           R"({"type":"page"})",
           R"({"type":"offset"})",
           R"({"type":"token","next":"n"})",
           R"({"type":"token","param":"t"})",
           R"({"type":"token","param":"t","next":"n[0]"})",
           R"({"type":"link","param":"p"})",
           R"({"type":"page","param":"p","next":"n"})",
           R"({"type":"offset","param":"p","next":"n"})",
           R"({"type":"page","param":"p","size_param":"s"})",
           R"({"type":"link","first":1})",
           R"({"type":"token","param":"t","next":"n","first":1})",
           R"({"type":"page","param":"p","first":18446744073709551615})",
           R"({"type":"offset","param":"p","first":9223372036854775807})",
           R"({"type":"offset","param":"p","size":9223372036854775808})",
       }) {
    const Error error = error_of([&] { read(wrong); });
    EXPECT_EQ(error.sqlstate, "22023") << wrong;
    EXPECT_FALSE(error.hint.empty()) << wrong;
  }
}

}  // namespace
}  // namespace etl::source
