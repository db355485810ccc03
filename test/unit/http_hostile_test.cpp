// The client against peers and inputs that do not behave: injection, endless and broken replies, silence.
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <random>

#include "http/client.hpp"
#include "http/gzip.hpp"
#include "unit/http_server.hpp"

namespace etl::http {
namespace {

using std::chrono::milliseconds;
using test::HttpServer;

class HostileTest : public testing::Test {
 protected:
  PollWaiter waiter;
  Client client{waiter, AddressPolicy::parse("127.0.0.1,localhost,no-such-host.invalid"), Tls{}, 2};

  static Request get(const std::string& url) {
    Request request;
    request.url = url;
    request.total_timeout = milliseconds(5000);
    return request;
  }

  std::string failure_of(Request request) {
    const Reply reply = client.perform(std::move(request));
    if (!reply.failure) return "";
    EXPECT_EQ(reply.failure->message.find("canary"), std::string::npos) << reply.failure->message;
    EXPECT_EQ(reply.failure->detail.find("canary"), std::string::npos) << reply.failure->detail;
    return reply.failure->sqlstate;
  }

  // What becomes of a request to a server that answers with these bytes and hangs up.
  std::string failure_after(const std::string& bytes) {
    HttpServer server([&](const std::string&, HttpServer::Connection& connection) {
      connection.send(bytes);
      connection.close();
    });
    return failure_of(get(server.url("/?key=canary")));
  }

  std::string refusal_of(Request request) {
    try {
      client.perform(std::move(request));
    } catch (const Error& error) {
      EXPECT_EQ(error.message.find("canary"), std::string::npos) << error.message;
      return error.sqlstate;
    }
    return "";
  }
};

TEST_F(HostileTest, HeadersCannotBeInjected) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  for (const std::string& value :
       {std::string("canary\r\nX-Evil: 1"), std::string("canary\nX"), std::string("canary\rX"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("a\tb")}) {
    Request request = get(server.url());
    request.headers = {{"X-A", value}};
    EXPECT_EQ(refusal_of(request), "22023");
    request = get(server.url());
    request.bearer = value;
    EXPECT_EQ(refusal_of(request), "22023");
    request = get(server.url());
    request.api_key = value;
    EXPECT_EQ(refusal_of(request), "22023");
    request = get(server.url());
    request.user = value;
    EXPECT_EQ(refusal_of(request), "22023");
  }
  for (const char* name : {"", "X A", "X:A", "X\r\nY", "X\xc3\xa9", "Host", "content-LENGTH", "Transfer-Encoding",
                           "Connection", "Expect", "Accept-Encoding", "Upgrade", "TE"}) {
    Request request = get(server.url());
    request.headers = {{name, "1"}};
    EXPECT_EQ(refusal_of(request), "22023") << name;
  }
  for (const char* method : {"", "get", "GET /x HTTP/1.1\r\nX: ", "G T", "AAAAAAAAAAAAAAAAA"}) {
    Request request = get(server.url());
    request.method = method;
    EXPECT_EQ(refusal_of(request), "22023") << method;
  }
  for (const char* path : {"/a b", "/a\r\nX: y", "/a\tb", "/#f", "/\x7f"})
    EXPECT_EQ(refusal_of(get(server.url(path))), "22023");
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(HostileTest, RandomHeadersGiveOneRequestLineAndNoForeignHeader) {
  HttpServer server(HttpServer::always(HttpServer::reply(200, "")));
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 500; ++i) {
    std::string value;
    for (int j = 0; j < 20; ++j) value += static_cast<char>(i % 2 ? 0x20 + random() % 0xdf : random() % 256);
    Request request = get(server.url());
    request.headers = {{"X-Row", value}};
    const std::size_t before = server.requests().size();
    try {
      EXPECT_FALSE(client.perform(request).failure);
    } catch (const Error&) {
      EXPECT_EQ(server.requests().size(), before);
      continue;
    }
    ASSERT_EQ(server.requests().size(), before + 1);
    const std::string sent = server.requests().back();
    EXPECT_EQ(std::count(sent.begin(), sent.end(), '\n'), 7) << sent;
    EXPECT_EQ(std::count(sent.begin(), sent.end(), '\r'), 7) << sent;
  }
}

TEST_F(HostileTest, ReplyBodyIsCapped) {
  HttpServer endless([](const std::string&, HttpServer::Connection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
    while (connection.is_open()) connection.send(chunk);
  });
  Request request = get(endless.url());
  request.max_reply_bytes = 1 << 20;
  EXPECT_EQ(failure_of(request), "54000");

  HttpServer exact(HttpServer::always(HttpServer::reply(200, std::string(1000, 'x'))));
  request = get(exact.url());
  request.max_reply_bytes = 1000;
  EXPECT_EQ(failure_of(request), "");
  request.max_reply_bytes = 999;
  EXPECT_EQ(failure_of(request), "54000");
}

TEST_F(HostileTest, DecompressedBodyIsCapped) {
  std::string bomb = gzip(std::string(64u << 20, '\0'));
  HttpServer server(HttpServer::always(HttpServer::reply(200, bomb, "Content-Encoding: gzip\r\n")));
  Request request = get(server.url());
  EXPECT_EQ(failure_of(request), "54000");
  request.max_reply_bytes = 1u << 30;  // then the ratio stops it
  const Reply reply = client.perform(request);
  ASSERT_TRUE(reply.failure);
  EXPECT_EQ(reply.failure->sqlstate, "54000");
  EXPECT_LT(reply.body.size(), 40u << 20);
}

TEST_F(HostileTest, EncodingsThatAreNotGzip) {
  const std::string packed = gzip("hello hello hello");
  EXPECT_EQ(failure_after(HttpServer::reply(200, packed, "Content-Encoding: gzip\r\n")), "");
  EXPECT_EQ(failure_after(HttpServer::reply(200, "plain", "Content-Encoding: identity\r\n")), "");
  EXPECT_EQ(failure_after(HttpServer::reply(200, "not gzip", "Content-Encoding: gzip\r\n")), "PE001");
  EXPECT_EQ(failure_after(HttpServer::reply(200, packed.substr(0, 20), "Content-Encoding: gzip\r\n")), "PE001");
  EXPECT_EQ(failure_after(HttpServer::reply(200, packed + "rest", "Content-Encoding: gzip\r\n")), "PE001");
  for (const char* coding : {"br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,br"}) {
    EXPECT_EQ(failure_after(HttpServer::reply(200, packed, std::string("Content-Encoding: ") + coding + "\r\n")),
              "PE001");
  }
  EXPECT_EQ(failure_after(HttpServer::reply(200, packed, "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n")),
            "PE001");
}

TEST_F(HostileTest, HeadersAreCapped) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) {
    connection.send("HTTP/1.1 200 OK\r\n");
    while (connection.is_open()) connection.send("X-Noise: " + std::string(1000, 'n') + "\r\n");
  });
  EXPECT_EQ(failure_of(get(server.url())), "54000");
  HttpServer interim([](const std::string&, HttpServer::Connection& connection) {
    while (connection.is_open()) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
  });
  EXPECT_EQ(failure_of(get(interim.url())), "54000");
}

TEST_F(HostileTest, BrokenReplies) {
  EXPECT_EQ(failure_after(""), "08006");
  EXPECT_EQ(failure_after("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), "08006");
  EXPECT_EQ(failure_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "08006");
  EXPECT_EQ(failure_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "08006");
  EXPECT_EQ(failure_after("garbled\x01\x02\x03 reply that is not HTTP\r\n\r\n"), "PE001");
  EXPECT_EQ(failure_after("SSH-2.0-OpenSSH_9.2\r\n"), "PE001");
  EXPECT_EQ(failure_after("HTTP/1.1 abc\r\n\r\n"), "PE001");
  EXPECT_NE(failure_after("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "");
  HttpServer resetting([](const std::string&, HttpServer::Connection& connection) { connection.reset(); });
  EXPECT_EQ(failure_of(get(resetting.url())), "08006");
}

TEST_F(HostileTest, NobodyThere) {
  int port = 0;
  {
    port = HttpServer([](const std::string&, HttpServer::Connection&) {}).port();
  }
  EXPECT_EQ(failure_of(get("http://127.0.0.1:" + std::to_string(port) + "/?canary")), "08001");
  EXPECT_EQ(failure_of(get("http://no-such-host.invalid/?canary")), "08001");
}

TEST_F(HostileTest, SilenceTimesOut) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) { connection.pause(10'000); });
  Request request = get(server.url("/?canary"));
  request.total_timeout = milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_of(request), "PE002");
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(elapsed, milliseconds(150));
  EXPECT_LT(elapsed, milliseconds(1500));
}

TEST_F(HostileTest, QueuedRequestsTimeOutToo) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) { connection.pause(10'000); });
  Request slow = get(server.url());
  slow.total_timeout = milliseconds(3000);
  client.submit(slow);
  client.submit(slow);
  Request queued = get(server.url());
  queued.total_timeout = milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_of(queued), "PE002");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1500));
}

TEST_F(HostileTest, DripsAreGivenUp) {
  HttpServer server([](const std::string&, HttpServer::Connection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (connection.is_open()) {
      connection.send("x");
      connection.pause(100);
    }
  });
  Request request = get(server.url());
  request.total_timeout = milliseconds(20'000);
  request.low_speed_bytes = 1000;
  request.low_speed_time = std::chrono::seconds(1);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_of(request), "PE002");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
  request.low_speed_bytes = 1;
  request.total_timeout = milliseconds(1500);
  EXPECT_EQ(failure_of(request), "PE002");
}

TEST_F(HostileTest, ErrorsAreNeverTornByTheNetwork) {
  const Error error = [&] {
    HttpServer server(HttpServer::always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    Request request = get(server.url());
    request.total_timeout = milliseconds(100);
    return *client.perform(request).failure;
  }();
  EXPECT_EQ(error.message.find_first_of("\r\n\x1b"), std::string::npos);
  EXPECT_EQ(error.detail.back(), '.');
}

}  // namespace
}  // namespace etl::http
