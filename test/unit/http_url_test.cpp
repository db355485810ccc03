// What may be a server's base URL, how paths are joined, and where a reply may lead.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "http/url.hpp"
#include "unit/error_of.hpp"

namespace etl::http {
namespace {

std::string refusal_of(std::string_view text) {
  try {
    parse_server_url(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate, "22023") << text;
    EXPECT_FALSE(error.hint.empty()) << text;
    return error.message + " " + error.detail;
  }
  return "";
}

TEST(Url, ReadsHostAndPort) {
  const Url url = parse_server_url("HTTPS://Search.Example.:9243/base//");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.port, 9243);
  EXPECT_EQ(url.authority, "Search.Example.:9243");
  EXPECT_EQ(url.text, "HTTPS://Search.Example.:9243/base");
  EXPECT_EQ(parse_server_url("https://a").port, 443);
  EXPECT_EQ(parse_server_url("http://a").port, 80);
  EXPECT_EQ(parse_server_url("http://[::1]:9200/").host, "[::1]");
  EXPECT_FALSE(parse_server_url("http://a").tls);
}

TEST(Url, RefusesEveryOtherScheme) {
  for (const char* scheme :
       {"dict", "file",  "ftp",  "ftps", "gopher", "gophers",    "imap",  "imaps", "ldap",       "ldaps", "mqtt",
        "pop3", "pop3s", "rtmp", "rtsp", "scp",    "sftp",       "smb",   "smbs",  "smtp",       "smtps", "telnet",
        "tftp", "ws",    "wss",  "unix", "data",   "javascript", "httpx", "h2",    "https+unix", ""}) {
    EXPECT_NE(refusal_of(std::string(scheme) + "://host/path"), "") << scheme;
  }
  for (const char* text : {"host", "host:9200", "//host", "https:host", "https:/host", "http", "localhost:80/x"}) {
    EXPECT_NE(refusal_of(text), "") << text;
  }
}

TEST(Url, RefusesWhatParsersDisagreeAbout) {
  for (const std::string_view text : {"",
                                      "https://",
                                      "https:///path",
                                      "https://?q",
                                      "https://:80",
                                      "https://a?q=1",
                                      "https://a/#f",
                                      "https://a b",
                                      "https://a\r\nX: y",
                                      "https://a\\@b",
                                      "https://a:0",
                                      "https://a:65536",
                                      "https://a:x",
                                      "https://[::1",
                                      "https://[x]",
                                      "https://127.1",
                                      "https://2130706433",
                                      "https://0x7f.1",
                                      "https://0177.0.0.1",
                                      "https://%31",
                                      "https://a%00b",
                                      "https://[fe80::1%25eth0]",
                                      "https://[0:0:0:0:0:0:0:1]",
                                      "https://a%20b",
                                      "https://a%c2%85",
                                      "https://a%ff",
                                      "https:////a"}) {
    const std::string refusal = refusal_of(text);
    EXPECT_NE(refusal, "") << text;
    EXPECT_EQ(printable(refusal, refusal.size()), refusal) << text;
  }
  EXPECT_NE(refusal_of(std::string_view("https://a\0b", 11)), "");
  EXPECT_NE(refusal_of("https://" + std::string(9000, 'a')), "");
}

TEST(Url, NeverQuotesCredentials) {
  for (const char* text : {"https://user:canary@host", "https://canary@host", "https://host?key=canary",
                           "ftp://user:canary@host", "https://user:canary@", "https://u:canary@h:99999"}) {
    const std::string refusal = refusal_of(text);
    EXPECT_NE(refusal, "") << text;
    EXPECT_EQ(refusal.find("canary"), std::string::npos) << refusal;
  }
}

TEST(Url, RequestsMayHaveAQueryAndOddSpellings) {
  EXPECT_EQ(parse_url("https://h/_bulk?refresh=false").authority, "h:443");
  EXPECT_EQ(parse_url("http://127.1:80/").host, "");
  EXPECT_EQ(parse_url("http://2130706433/").authority, "127.0.0.1:80");
  EXPECT_THROW(parse_url("http://u@h/"), Error);
}

TEST(Url, EscapesPathSegments) {
  EXPECT_EQ(join_path("https://h/base/", {"films", "_doc", "a/b?c#d%e f"}),
            "https://h/base/films/_doc/a%2Fb%3Fc%23d%25e%20f");
  EXPECT_EQ(percent_encode("\r\n\xc3\xa9~-_.9"), "%0D%0A%C3%A9~-_.9");
  EXPECT_EQ(join_path("https://h", {"..."}), "https://h/...");
  for (const char* segment : {"", ".", ".."}) EXPECT_THROW(join_path("https://h", {segment}), Error);
}

TEST(Url, FollowsAReferenceOnItsServer) {
  const auto from = [](std::string_view reference) { return resolve_reference("https://h:9200/a/b?x=1", reference); };
  EXPECT_EQ(from("https://h:9200/c?y=2"), "https://h:9200/c?y=2");
  EXPECT_EQ(from("HTTPS://H:9200/c"), "https://H:9200/c");
  EXPECT_EQ(from("//h:9200/c"), "https://h:9200/c");
  EXPECT_EQ(from("/c?y=2"), "https://h:9200/c?y=2");
  EXPECT_EQ(from("c"), "https://h:9200/a/c");
  EXPECT_EQ(from("../c"), "https://h:9200/c");
  EXPECT_EQ(from("?y=2"), "https://h:9200/a/b?y=2");
  EXPECT_EQ(from("?y=2#part"), "https://h:9200/a/b?y=2");
  EXPECT_EQ(from("?y=%0d%0a%2F"), "https://h:9200/a/b?y=%0d%0a%2F");
  EXPECT_EQ(resolve_reference("https://h/a", "https://h:443/c"), "https://h:443/c");
  EXPECT_EQ(resolve_reference("http://[::1]:80/a", "http://[::1]/c"), "http://[::1]/c");
}

TEST(Url, FollowsNoReferenceElsewhere) {
  const auto refused = [](std::string_view reference) {
    return error_of([&] { (void)resolve_reference("https://h:9200/a/b", reference); }).sqlstate;
  };
  for (const char* reference : {"https://h/c", "http://h:9200/c", "https://i:9200/c", "//i:9200/c", "//h/c",
                                "https://h.i:9200/c", "https://127.1:9200/c"}) {
    EXPECT_EQ(refused(reference), "42501") << reference;
  }
  for (const char* reference :
       {"https://u@h:9200/c", "//u:canary@h:9200/c", "file:///etc/passwd", "c d", "c\r\nX: y", "\\\\i\\c",
        "https://h:9200\\@i/c", "https://[h:9200/c", "https://:9200/c", "//a%99/c"}) {
    EXPECT_EQ(refused(reference), "22023") << reference;
  }
  EXPECT_EQ(refused("/" + std::string(9000, 'a')), "22023");
}

}  // namespace
}  // namespace etl::http
