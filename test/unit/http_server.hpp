// A small HTTP server on loopback for tests: one thread accepts, one thread serves each connection.
//
// The handler gets each request as raw bytes and answers with raw bytes, so that a test can send what no well-behaved
// server would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace etl::test {

class HttpServer {
 public:
  class Connection {
   public:
    Connection(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}
    bool stopped() const { return stop_; }
    void send(std::string_view bytes) {
      while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
          open_ = false;
          return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
    void close() { open_ = false; }
    void reset() {
      const linger now{1, 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      open_ = false;
    }
    bool is_open() const { return open_ && !stop_; }
    // Waits in slices, so that the end of the test ends it.
    void pause(int ms) {
      for (; ms > 0 && !stop_; ms -= 10) ::poll(nullptr, 0, 10);
    }

   private:
    friend class HttpServer;
    int fd_;
    const std::atomic<bool>& stop_;
    bool open_ = true;
  };
  using Handler = std::function<void(const std::string& request, Connection& connection)>;

  // Listens on all addresses of both families; `port` 0 takes a free one.
  explicit HttpServer(Handler handler, int port = 0) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int off = 0;
    const int on = 1;
    setsockopt(listener_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 64) != 0) {
      throw std::runtime_error("could not listen");
    }
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin6_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~HttpServer() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int accepted() const { return accepted_; }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string reply(int status, std::string_view body, std::string_view headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Some\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
  }
  static Handler always(std::string bytes) {
    return [bytes = std::move(bytes)](const std::string&, Connection& connection) { connection.send(bytes); };
  }

 private:
  void accept_all() {
    while (!stop_) {
      pollfd polled{listener_, POLLIN, 0};
      if (::poll(&polled, 1, 50) <= 0) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      threads_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  static std::size_t body_length(const std::string& head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  void serve(int fd) {
    Connection connection(fd, stop_);
    std::string buffer;
    while (connection.is_open()) {
      const std::size_t end = buffer.find("\r\n\r\n");
      if (end != std::string::npos && buffer.size() >= end + 4 + body_length(buffer.substr(0, end + 2))) {
        const std::string request = buffer.substr(0, end + 4 + body_length(buffer.substr(0, end + 2)));
        buffer.erase(0, request.size());
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        handler_(request, connection);
        continue;
      }
      pollfd polled{fd, POLLIN, 0};
      if (::poll(&polled, 1, 50) <= 0) continue;
      char bytes[65536];
      const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      buffer.append(bytes, static_cast<std::size_t>(count));
      if (buffer.front() == '\x16') return;  // hangs up on TLS
    }
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> accepted_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace etl::test
