// One request on its way: a libcurl easy handle with all its options, its callbacks, and the reply as it grows.
//
// The callbacks are called by libcurl, in the middle of its own frames: they are noexcept, and leave the reason why
// they stopped a transfer here, where finish() turns it into an error.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "http/gzip.hpp"
#include "http/header.hpp"
#include "http/message.hpp"
#include "http/policy.hpp"
#include "http/url.hpp"

namespace etl::http {

class Transfer {
 public:
  using Clock = std::chrono::steady_clock;

  // Checks the request; throws Error 22023. `policy` must outlive the transfer. The credentials are wiped once the
  // header lines are built.
  Transfer(Request request, const AddressPolicy& policy, const Tls& tls);
  ~Transfer();
  Transfer(const Transfer&) = delete;  // libcurl holds its address
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const noexcept { return easy_; }
  Clock::time_point deadline() const noexcept { return deadline_; }

  // Makes the handle ready to be added: what is left of the total timeout counts from here.
  void start();

  // The reply, when libcurl has ended the transfer with `code`. Once.
  Reply finish(CURLcode code);
  // The reply of a transfer whose time ran out before it got a connection.
  Reply expire();

 private:
  enum class Stop { kNone, kAddress, kReplyTooLarge, kHeaderTooLarge, kEncoding, kMemory };

  template <typename Value>
  void set(CURLoption option, Value value);
  void set_boundaries();
  void set_tls(const Tls& tls);
  void set_message();
  void set_callbacks();

  bool admit(const std::optional<Address>& address) noexcept;
  void read_header(std::string_view line);
  bool take_body(std::string_view piece);
  Error stop_error() const;
  Error refusal() const;
  bool refused_everything(CURLcode code) const;

  static size_t on_body(char* bytes, size_t size, size_t count, void* self) noexcept;
  static size_t on_header(char* bytes, size_t size, size_t count, void* self) noexcept;
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;
  static int on_request(void* self, char* remote, char* local, int remote_port, int local_port) noexcept;

  Request request_;
  Url url_;
  const AddressPolicy& policy_;
  HeaderList headers_;
  std::string packed_body_;
  CURL* easy_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = "";
  Clock::time_point submitted_;
  Clock::time_point deadline_;

  Reply reply_;
  Stop stop_ = Stop::kNone;
  Address refused_;          // the first one
  bool has_opened_ = false;  // a socket to an allowed address
  std::size_t header_bytes_ = 0;
  bool in_body_ = false;
  bool is_gzip_ = false;
  std::optional<Gunzip> gunzip_;
};

}  // namespace etl::http
