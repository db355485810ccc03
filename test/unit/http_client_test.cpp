// The client against servers that behave: methods, bodies, credentials, kept connections, several requests in flight.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>

#include "http/client.hpp"
#include "http/gzip.hpp"
#include "http/header.hpp"
#include "unit/http_server.hpp"

namespace etl::http {
namespace {

using std::chrono::milliseconds;
using test::HttpServer;

class ClientTest : public testing::Test {
 protected:
  PollWaiter waiter;
  Client client{waiter, AddressPolicy::parse("127.0.0.0/8"), Tls{}, 4};

  static Request get(const std::string& url) {
    Request request;
    request.url = url;
    return request;
  }
  static Request post(const std::string& url, std::string body) {
    Request request = get(url);
    request.method = "POST";
    request.body = std::make_shared<const std::string>(std::move(body));
    return request;
  }
};

bool has_line(const std::string& request, const std::string& line) {
  return request.find("\r\n" + line + "\r\n") != std::string::npos;
}

TEST_F(ClientTest, SendsExactlyWhatWasAsked) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "{}", "Content-Type: application/json\r\n")));
  Request request = post(server.url("/a%2Fb/../c?x=1"), "{\"a\":1}\n");
  request.headers = {{"Content-Type", "application/x-ndjson"}, {"X-Empty", ""}, {"X-Text", " caf\xc3\xa9 "}};
  const Reply reply = client.perform(request);
  ASSERT_FALSE(reply.failure) << reply.failure->message;
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{}");
  EXPECT_EQ(reply.content_type, "application/json");
  const std::string sent = server.requests().at(0);
  EXPECT_EQ(sent.substr(0, sent.find("\r\n")), "POST /a%2Fb/../c?x=1 HTTP/1.1");
  EXPECT_TRUE(has_line(sent, "Content-Type: application/x-ndjson"));
  EXPECT_TRUE(has_line(sent, "X-Empty:"));
  EXPECT_TRUE(has_line(sent, "X-Text: caf\xc3\xa9"));
  EXPECT_EQ(sent.find("Expect"), std::string::npos);
  EXPECT_EQ(sent.substr(sent.find("\r\n\r\n") + 4), "{\"a\":1}\n");
}

TEST_F(ClientTest, Methods) {
  HttpServer server(HttpServer::always("HTTP/1.1 204 No\r\n\r\n"));
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE"}) {
    Request request = get(server.url());
    request.method = method;
    EXPECT_EQ(client.perform(request).status, 204) << method;
    EXPECT_EQ(server.requests().back().find(std::string(method) + " / "), 0u);
    EXPECT_EQ(server.requests().back().find("x-www-form"), std::string::npos);
    if (request.method == "HEAD") continue;
    request.body = std::make_shared<const std::string>("body");
    EXPECT_EQ(client.perform(request).status, 204) << method;
    EXPECT_EQ(server.requests().back().find(std::string(method) + " / "), 0u);
    EXPECT_TRUE(has_line(server.requests().back(), "Content-Length: 4"));
  }
}

TEST_F(ClientTest, Credentials) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  Request request = get(server.url());
  request.user = "Aladdin";
  request.password = "open sesame";
  client.perform(request);
  EXPECT_TRUE(has_line(server.requests().back(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
  request = get(server.url());
  request.bearer = "tok";
  client.perform(request);
  EXPECT_TRUE(has_line(server.requests().back(), "Authorization: Bearer tok"));
  request.bearer = Secret();
  request.api_key = "aWQ6a2V5";
  client.perform(request);
  EXPECT_TRUE(has_line(server.requests().back(), "Authorization: ApiKey aWQ6a2V5"));
  request.bearer = "tok";
  EXPECT_THROW(client.perform(request), Error);
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("\xff"), "/w==");
  EXPECT_EQ(base64("ab"), "YWI=");
}

TEST_F(ClientTest, KeepsConnections) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "ok")));
  int reused = 0;
  for (int i = 0; i < 1000; ++i) reused += client.perform(post(server.url(), "x")).connection_reused ? 1 : 0;
  EXPECT_GE(reused, 990);
  EXPECT_LE(server.accepted(), 10);
}

TEST_F(ClientTest, KeepsConnectionsWithSeveralInFlight) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "ok")));
  int submitted = 0;
  int completed = 0;
  while (completed < 1000) {
    while (submitted < 1000 && client.in_flight() < 6) {
      client.submit(post(server.url(), "x"));
      ++submitted;
    }
    client.pump(1000);
    while (const auto done = client.take()) {
      ASSERT_FALSE(done->reply.failure) << done->reply.failure->message;
      ++completed;
    }
  }
  EXPECT_LE(server.accepted(), 10);
  EXPECT_EQ(client.in_flight(), 0u);
}

TEST_F(ClientTest, OverlapsRequestsUpToTheLimit) {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  HttpServer server([&](const std::string& request, HttpServer::Connection& connection) {
    most = std::max<int>(most, ++now);
    connection.pause(100);
    --now;
    connection.send(HttpServer::reply(200, request.substr(5, 1)));
  });
  std::map<Ticket, std::string> expected;
  for (int i = 0; i < 8; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    expected[client.submit(get(server.url("/" + name)))] = name;
  }
  EXPECT_EQ(client.in_flight(), 8u);
  while (client.in_flight() > 0) client.pump(-1);
  while (const auto done = client.take()) {
    EXPECT_EQ(done->reply.body, expected[done->ticket]);
    expected.erase(done->ticket);
  }
  EXPECT_TRUE(expected.empty());
  EXPECT_EQ(most, 4);
  EXPECT_EQ(server.accepted(), 4);
}

TEST_F(ClientTest, PerformLeavesOthersAlone) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "ok")));
  const Ticket ticket = client.submit(get(server.url("/first")));
  EXPECT_EQ(client.perform(get(server.url("/second"))).status, 200);
  while (client.in_flight() > 0) client.pump(-1);
  const auto done = client.take();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->ticket, ticket);
  EXPECT_FALSE(client.take());
}

// The dead kept connection is found out and the request sent on a new one.
TEST_F(ClientTest, SurvivesAServerThatClosesIdleConnections) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) {
    connection.send(HttpServer::reply(200, "ok"));
    connection.close();
  });
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(client.perform(post(server.url(), "x")).failure);
}

TEST_F(ClientTest, GzipBothWays) {
  std::string big;
  for (int i = 0; i < 20000; ++i) big += "row " + std::to_string(i * 7919 % 10007) + "\n";
  HttpServer server([&](const std::string& request, HttpServer::Connection& connection) {
    EXPECT_TRUE(has_line(request, "Content-Encoding: gzip"));
    EXPECT_TRUE(has_line(request, "Accept-Encoding: gzip"));
    std::string unpacked;
    Gunzip gunzip;
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    EXPECT_LT(body.size(), big.size() / 2);
    EXPECT_EQ(gunzip.add(body, unpacked, 1 << 30), Gunzip::Result::kOk);
    EXPECT_TRUE(gunzip.finished());
    // Two members in a row, in small pieces.
    const std::string packed = gzip(unpacked.substr(0, 1000)) + gzip(unpacked.substr(1000));
    connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: GZip\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t at = 0; at < packed.size(); at += 7000) {
      char size[16];
      const std::string piece = packed.substr(at, 7000);
      snprintf(size, sizeof size, "%zx\r\n", piece.size());
      connection.send(size + piece + "\r\n");
    }
    connection.send("0\r\n\r\n");
  });
  Request request = post(server.url(), big);
  request.gzip_body = true;
  const Reply reply = client.perform(request);
  ASSERT_FALSE(reply.failure) << reply.failure->message;
  EXPECT_EQ(reply.body, big);
}

TEST_F(ClientTest, LargeBody) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "ok")));
  const std::string big(20u << 20, 'x');
  EXPECT_EQ(client.perform(post(server.url(), big)).status, 200);
  EXPECT_EQ(server.requests().at(0).size() - server.requests().at(0).find("\r\n\r\n") - 4, big.size());
}

TEST_F(ClientTest, RedirectsAreReplies) {
  HttpServer sentinel(HttpServer::always(HttpServer::reply(200, "secret")));
  for (const int status : {301, 302, 303, 307, 308}) {
    HttpServer server(HttpServer::always(HttpServer::reply(status, "", "Location: " + sentinel.url() + "\r\n")));
    Request request = get(server.url());
    request.headers = {{"X-Api-Key", "canary"}};
    const Reply reply = client.perform(request);
    EXPECT_FALSE(reply.failure);
    EXPECT_EQ(reply.status, status);
  }
  EXPECT_EQ(sentinel.accepted(), 0);
}

TEST_F(ClientTest, IgnoresProxiesOfTheEnvironment) {
  HttpServer proxy(HttpServer::always(HttpServer::reply(502, "proxy")));
  HttpServer server(HttpServer::always(HttpServer::reply(200, "direct")));
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"}) setenv(name, proxy.url().c_str(), 1);
  const Reply reply = client.perform(get(server.url()));
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"}) unsetenv(name);
  EXPECT_EQ(reply.body, "direct");
  EXPECT_EQ(proxy.accepted(), 0);
}

TEST_F(ClientTest, StatusErrorsAreReplies) {
  HttpServer server([](const std::string& request, HttpServer::Connection& connection) {
    connection.send(HttpServer::reply(std::stoi(request.substr(5, 3)), "body"));
  });
  for (const int status : {400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504}) {
    const Reply reply = client.perform(get(server.url("/" + std::to_string(status))));
    EXPECT_FALSE(reply.failure);
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.body, "body");
  }
}

TEST_F(ClientTest, RetryAfter) {
  std::string value = "7";
  HttpServer server([&](const std::string&, HttpServer::Connection& connection) {
    connection.send(HttpServer::reply(429, "", "retry-AFTER: " + value + "\r\n"));
  });
  EXPECT_EQ(client.perform(get(server.url())).retry_after, milliseconds(7000));
  value = "86400";
  EXPECT_EQ(client.perform(get(server.url())).retry_after, milliseconds(300'000));
  Request impatient = get(server.url());
  impatient.max_retry_after = std::chrono::seconds(60);
  EXPECT_EQ(client.perform(impatient).retry_after, milliseconds(60'000));
  value = "Fri, 31 Dec 2199 23:59:59 GMT";
  EXPECT_EQ(client.perform(impatient).retry_after, milliseconds(60'000));
  value = "59";
  EXPECT_EQ(client.perform(impatient).retry_after, milliseconds(59'000));
  value = "soon";
  EXPECT_FALSE(client.perform(get(server.url())).retry_after);
}

TEST(RetryAfter, SecondsAndDates) {
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  const milliseconds cap(3'600'000);
  const auto read = [&](std::string_view text) { return parse_retry_after(text, now, cap); };
  EXPECT_EQ(read("0"), milliseconds(0));
  EXPECT_EQ(read(" 120 "), milliseconds(120'000));
  EXPECT_EQ(read("99999999999999999999999999"), cap);
  EXPECT_EQ(read("00000000000000000000000005"), milliseconds(5000));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:50:07 GMT"), milliseconds(30'000));
  EXPECT_EQ(read("Sunday, 06-Nov-94 08:50:07 GMT"), milliseconds(30'000));
  EXPECT_EQ(read("Sun Nov  6 08:50:07 1994"), milliseconds(30'000));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:00:00 GMT"), milliseconds(0));
  EXPECT_EQ(read("Sun, 06 Nov 2094 08:00:00 GMT"), cap);
  EXPECT_EQ(read("Fri, 31 Dec 9999 23:59:59 GMT"), cap);  // as nanoseconds it would be long ago
  for (const char* text : {"", "-1", "1.5", "soon", "1 2", "+5", "0x10"}) EXPECT_FALSE(read(text)) << text;
}

TEST(NextLink, IsTheFirstThatSaysNext) {
  EXPECT_EQ(next_link(R"(</1>; rel="prev", </3>; rel="next", </9>; rel="next")"), "/3");
  EXPECT_EQ(next_link("<https://h/a,b;c?d=e>;REL=Next"), "https://h/a,b;c?d=e");
  EXPECT_EQ(next_link(R"(</2>; rel="last next"; type="x")"), "/2");
  EXPECT_EQ(next_link(R"(</2> ; title="a, </8>; rel=\"next\"" ; rel = next )"), "/2");
  EXPECT_EQ(next_link(R"(</2>; title="</8>; rel=next", </3>; rel=next)"), "/3");
  EXPECT_EQ(next_link("<>; rel=next"), "");
  for (const char* none :
       {"", "</2>", "</2>; rel=nextish", "</2>; rev=next", "</2>; title=\"rel=next\"", "</2; rel=next", "/2; rel=next",
        "</2>, rel=next", "rel=next; </2>", R"(</2>; title="a\", </8>; rel=next, \""; rel=prev)"}) {
    EXPECT_FALSE(next_link(none)) << none;
  }
}

TEST_F(ClientTest, CancelledRequestsLeaveNoTrace) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) { connection.pause(5000); });
  const Ticket first = client.submit(get(server.url()));
  for (int i = 0; i < 10; ++i) client.submit(get(server.url()));
  client.pump(50);
  client.cancel(first);
  EXPECT_EQ(client.in_flight(), 10u);
  client.cancel(first);
}

class ThrowingWaiter : public PollWaiter {
 public:
  std::vector<Socket> wait(const std::vector<Socket>& wanted, int timeout_ms) override {
    if (armed && !wanted.empty()) throw Error("57014", "canceling statement due to user request");
    return PollWaiter::wait(wanted, timeout_ms);
  }
  bool armed = false;
};

TEST(ClientCancel, AThrowingWaiterEndsTheWaitAndNothingElse) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "ok")));
  ThrowingWaiter waiter;
  Client client(waiter, AddressPolicy::parse("127.0.0.1"), Tls{}, 2);
  Request request;
  request.url = server.url();
  waiter.armed = true;
  EXPECT_THROW(client.perform(request), Error);
  EXPECT_EQ(client.in_flight(), 0u);
  const Ticket ticket = client.submit(request);
  EXPECT_THROW(client.pump(1000), Error);
  waiter.armed = false;
  while (client.in_flight() > 0) client.pump(1000);
  EXPECT_EQ(client.take()->ticket, ticket);
}

}  // namespace
}  // namespace etl::http
