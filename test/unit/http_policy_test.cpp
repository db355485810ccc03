// Which addresses may be reached, decided on the address: a corpus of bytes, and spellings against live listeners.
#include <gtest/gtest.h>

#include <clocale>
#include <map>

#include "core/error.hpp"
#include "http/client.hpp"
#include "http/policy.hpp"
#include "unit/http_server.hpp"

namespace etl::http {
namespace {

using test::HttpServer;

Address address(std::string_view text) {
  const std::optional<Address> parsed = parse_address(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}

TEST(Policy, InternalAddresses) {
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.100.100.200",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "168.63.129.16",
                           "169.254.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.0.192",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.9",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::7f00:1",
                           "::ffff:127.0.0.1",
                           "::ffff:169.254.169.254",
                           "::ffff:0:127.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001::1",
                           "2001:2::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "2002:808:808::",
                           "3fff::1",
                           "5f00::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fd20:ce::254",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_TRUE(is_internal(address(text))) << text;
    EXPECT_FALSE(AddressPolicy().allows(address(text), "h", 443, true)) << text;
    EXPECT_TRUE(AddressPolicy::parse("h").allows(address(text), "h", 80, false)) << text;
  }
}

TEST(Policy, PublicAddresses) {
  for (const char* text : {"1.1.1.1",         "9.255.255.255",    "11.0.0.0",
                           "100.63.255.255",  "100.128.0.0",      "126.0.0.1",
                           "128.0.0.1",       "169.253.0.1",      "172.15.0.1",
                           "172.32.0.1",      "192.0.1.1",        "192.167.0.1",
                           "198.17.0.1",      "198.20.0.1",       "223.255.255.255",
                           "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8", "2001:4860:4860::8888",
                           "2606:4700::1111", "2a00::1"}) {
    EXPECT_FALSE(is_internal(address(text))) << text;
    EXPECT_TRUE(AddressPolicy().allows(address(text), "h", 443, true)) << text;
    EXPECT_FALSE(AddressPolicy().allows(address(text), "h", 80, false)) << text << ": plain http is never implied";
  }
}

TEST(Policy, OtherFamiliesAndShortAddressesAreRefused) {
  sockaddr_storage unix_address{};
  unix_address.ss_family = AF_UNIX;
  const auto policy = AddressPolicy::parse("h, 0.0.0.0/0, ::/0");
  EXPECT_FALSE(policy.allows(reinterpret_cast<sockaddr*>(&unix_address), sizeof unix_address, "h", 443, true));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x08080808);
  EXPECT_TRUE(policy.allows(reinterpret_cast<sockaddr*>(&v4), sizeof v4, "h", 443, true));
  EXPECT_FALSE(policy.allows(reinterpret_cast<sockaddr*>(&v4), sizeof v4 - 1, "h", 443, true));
  EXPECT_FALSE(policy.allows(nullptr, 0, "h", 443, true));
}

TEST(Policy, EntriesByName) {
  const Address loopback = address("127.0.0.1");
  const auto any = [&](const char* list, const char* host, int port = 80) {
    return AddressPolicy::parse(list).allows(loopback, host, port, false);
  };
  EXPECT_TRUE(any("es.internal", "ES.Internal."));
  EXPECT_TRUE(any("Es.Internal.", "es.internal"));
  EXPECT_TRUE(any("a, b:9200 ,c", "b", 9200));
  EXPECT_FALSE(any("a, b:9200 ,c", "b", 9201));
  EXPECT_TRUE(any("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(any("127.0.0.1", "127.1"));
  EXPECT_FALSE(any("127.0.0.1", ""));
  EXPECT_FALSE(any("es", "es.internal"));
  EXPECT_FALSE(any("es.internal", "es"));
  EXPECT_TRUE(any("[::1]:80", "[::1]"));
  EXPECT_TRUE(any("::1", "[::1]", 9200));
  EXPECT_TRUE(any("[0:0:0:0:0:0:0:1]", "[::1]"));
  EXPECT_FALSE(any("", "localhost"));
  EXPECT_FALSE(any("  ", "localhost"));
}

TEST(Policy, EntriesByNetwork) {
  const auto in = [](const char* list, const char* text, int port = 80) {
    return AddressPolicy::parse(list).allows(address(text), "x", port, false);
  };
  EXPECT_TRUE(in("10.1.0.0/16", "10.1.255.255"));
  EXPECT_FALSE(in("10.1.0.0/16", "10.2.0.0"));
  EXPECT_TRUE(in("10.1.0.0/16:9200", "10.1.0.1", 9200));
  EXPECT_FALSE(in("10.1.0.0/16:9200", "10.1.0.1", 80));
  EXPECT_TRUE(in("10.1.2.3/32", "::ffff:10.1.2.3"));
  EXPECT_TRUE(in("::ffff:10.0.0.0/104", "10.9.9.9"));
  EXPECT_TRUE(in("fd00::/8", "fd12::1"));
  EXPECT_TRUE(in("[fd00::/8]:80,fd00::/8:81", "fd12::1", 81));
  EXPECT_FALSE(in("[fd00::/8]:80,fd00::/8:81", "fd12::1", 82));
  EXPECT_TRUE(in("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(in("0.0.0.0/0", "2a00::1"));
  EXPECT_FALSE(in("172.16.0.0/12", "172.32.0.1"));
  EXPECT_TRUE(in("172.16.0.0/12", "172.31.0.1"));
}

TEST(Policy, RefusesMalformedLists) {
  for (const std::string_view list :
       {",",          "a,",          ",a",          "a,,b",      "a:",          "a:0",
        "a:65536",    "a:-1",        "a:9200x",     "http://a",  "*.a",         "a b",
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8:", "10.0.0.0/8:x",
        "/8",         "fd00::/129",  "fd00::1/8",   "[::1",      "[::1]x",      "[::1]:",
        "[1.2.3.4]",  "[]",          "[x]",         "a@b",       "::1:x",       "::ffff:10.0.0.0/8",
        "a\nb",       "\"a\""}) {
    try {
      AddressPolicy::parse(list);
      ADD_FAILURE() << list;
    } catch (const Error& error) {
      EXPECT_EQ(error.sqlstate, "22023") << list;
      EXPECT_EQ(error.message.find('\n'), std::string::npos);
    }
  }
}

// Every one of these leads, or tries to lead, to this machine.
std::vector<std::string> spellings() {
  return {"127.0.0.1",
          "127.0.0.2",
          "127.1",
          "127.0.1",
          "127.255.255.254",
          "127.0.0.1.",
          "2130706433",
          "2130706434",
          "0x7f000001",
          "0x7f.1",
          "0x7f.0.0.1",
          "0X7F.0.0.1",
          "0x7f.0x0.0x0.0x1",
          "0x7f.0.1",
          "017700000001",
          "0177.1",
          "0177.0.0.1",
          "00177.0.0.1",
          "0177.0.1",
          "0177.0x0.0.1",
          "127.0x0.0.1",
          "127.00.00.01",
          "127.000.000.001",
          "0x000000007f.0.0.1",
          "4294967295",
          "0",
          "0.0.0.0",
          "0.0",
          "0.0.0",
          "0x0",
          "00",
          "000",
          "00.0",
          "0x0.0x0",
          "localhost",
          "LOCALHOST",
          "LocalHost",
          "localhost.",
          "ip6-localhost",
          "ip6-loopback",
          "[::1]",
          "[0:0:0:0:0:0:0:1]",
          "[0000:0000:0000:0000:0000:0000:0000:0001]",
          "[::0001]",
          "[0::1]",
          "[::0.0.0.1]",
          "[::]",
          "[0:0:0:0:0:0:0:0]",
          "[0::0]",
          "[::ffff:127.0.0.1]",
          "[::FFFF:127.0.0.1]",
          "[::ffff:7f00:1]",
          "[::ffff:7f00:0001]",
          "[0:0:0:0:0:ffff:7f00:1]",
          "[::ffff:0.0.0.0]",
          "[::ffff:0:0]",
          "[::127.0.0.1]",
          "[::1%25lo]",
          "[::1%lo]",
          "%31%32%37.0.0.1",
          "%6c%6f%63alhost",
          "127%2e0%2e0%2e1",
          "①②⑦.⓪.⓪.①",
          "１２７.０.０.１",
          "127。0。0。1",
          "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
          "a.com@127.0.0.1",
          "a:b@127.0.0.1",
          "127.0.0.1\\@a.com",
          "127.0.0.1#@a.com",
          "127.0.0.1%00.a.com",
          "127.0.0.1%0d%0aX:y",
          "127.1.",
          "0x7f.1."};
}

std::string try_connect(AddressPolicy policy, const HttpServer& server, const std::string& host) {
  PollWaiter waiter;
  Client client(waiter, std::move(policy), Tls{}, 1);
  Request request;
  request.url = "http://" + host + ":" + std::to_string(server.port()) + "/";
  request.total_timeout = std::chrono::seconds(5);
  try {
    const Reply reply = client.perform(request);
    return reply.failure ? reply.failure->sqlstate : "";
  } catch (const Error& error) {
    return error.sqlstate;
  }
}

TEST(Policy, SpellingsOfLoopbackReachNothing) {
  ASSERT_GE(spellings().size(), 60u);
  setlocale(LC_CTYPE, "C.UTF-8");  // libcurl reads circled digits in a UTF-8 locale only
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  std::map<std::string, std::string> refused;
  for (const std::string& host : spellings()) refused[host] = try_connect(AddressPolicy(), server, host);
  EXPECT_EQ(server.accepted(), 0);

  // The same listener answers those that libcurl can read once their networks are listed.
  int reached = 0;
  for (const std::string& host : spellings()) {
    const auto open = AddressPolicy::parse("127.0.0.0/8,0.0.0.0/8,::/127,255.255.255.255/32");
    if (!try_connect(open, server, host).empty()) continue;
    ++reached;
    EXPECT_EQ(refused[host], "42501") << host;
  }
  EXPECT_GE(reached, 45);
  EXPECT_EQ(server.accepted(), reached);
}

TEST(Policy, NamesPermitOnlyTheirOwnSpelling) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  for (const char* name : {"127.0.0.1", "localhost", "[::1]"}) {
    EXPECT_EQ(try_connect(AddressPolicy::parse(name), server, name), "") << name;
  }
  const int before = server.accepted();
  for (const std::string& host : spellings()) {
    if (host == "127.0.0.1" || host == "127.0.0.1.") continue;
    EXPECT_NE(try_connect(AddressPolicy::parse("127.0.0.1"), server, host), "") << host;
  }
  EXPECT_EQ(server.accepted(), before);
}

// libcurl keeps connections by the host as it reads it: 127.1 would ride on the connection of 127.0.0.1.
TEST(Policy, KeptConnectionsAreCheckedAgain) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  PollWaiter waiter;
  Client client(waiter, AddressPolicy::parse("127.0.0.1"), Tls{}, 1);
  Request request;
  request.url = server.url();
  EXPECT_FALSE(client.perform(request).failure);
  request.url = "http://127.1:" + std::to_string(server.port()) + "/";
  const Reply reply = client.perform(request);
  ASSERT_TRUE(reply.failure);
  EXPECT_EQ(reply.failure->sqlstate, "42501");
  EXPECT_NE(reply.failure->hint.find("etl.allowed_hosts"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 1u);
}

}  // namespace
}  // namespace etl::http
