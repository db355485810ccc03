#include "http/transfer.hpp"

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/sqlstate.hpp"
#include "http/failure.hpp"

namespace etl::http {
namespace {

using std::chrono::milliseconds;

void require_global_init() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error("58000", "could not initialize libcurl", to_sentence(curl_easy_strerror(code)));
}

long clamp_ms(milliseconds time) {
  return static_cast<long>(std::clamp<long long>(time.count(), 1, 86'400'000));
}

}  // namespace

Transfer::Transfer(Request request, const AddressPolicy& policy, const Tls& tls)
    : request_(std::move(request)),
      url_(parse_url(request_.url)),
      policy_(policy),
      submitted_(Clock::now()),
      deadline_(submitted_ + milliseconds(clamp_ms(request_.total_timeout))) {
  build_headers(request_, headers_);
  request_.password = Secret();
  request_.bearer = Secret();
  request_.api_key = Secret();
  if (request_.body && request_.gzip_body) packed_body_ = gzip(*request_.body);

  require_global_init();
  easy_ = curl_easy_init();
  if (easy_ == nullptr) throw std::bad_alloc();
  try {
    set_boundaries();
    set_tls(tls);
    set_message();
    set_callbacks();
  } catch (...) {
    curl_easy_cleanup(easy_);
    throw;
  }
}

Transfer::~Transfer() {
  curl_easy_cleanup(easy_);
}

template <typename Value>
void Transfer::set(CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy_, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK) {
    throw Error("0A000", "libcurl does not support an option that pg_etl needs", to_sentence(curl_easy_strerror(code)));
  }
}

// Everything that decides where a request may go, stated, not left to libcurl's defaults.
void Transfer::set_boundaries() {
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // the empty string also keeps http_proxy of the environment out
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PATH_AS_IS, 1L);

  set(CURLOPT_NOSIGNAL, 1L);
  // Without it the end of a transfer whose name is still being resolved waits for the resolver thread.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, clamp_ms(request_.connect_timeout));
  set(CURLOPT_LOW_SPEED_LIMIT, std::max(0L, request_.low_speed_bytes));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.low_speed_time.count()));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_MAXAGE_CONN, 50L);        // idle connections: common load balancers drop theirs after 60 seconds
  set(CURLOPT_MAXLIFETIME_CONN, 600L);  // a name that leads elsewhere by now is asked for again
}

void Transfer::set_tls(const Tls& tls) {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.ca_file.empty()) set(CURLOPT_CAINFO, tls.ca_file.c_str());
  // Beside a ca_file the system's directory would stay trusted; beside the system's bundle it holds the same
  // certificates, but keeps libcurl from caching them: 35 ms of parsing for every new connection.
  const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
  if (!tls.ca_file.empty() || built->cainfo != nullptr) set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
}

void Transfer::set_message() {
  set(CURLOPT_URL, url_.text.c_str());
  set(CURLOPT_USERAGENT, "pg_etl");
  set(CURLOPT_HTTPHEADER, headers_.get());
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.body) {
    const std::string& body = request_.gzip_body ? packed_body_ : *request_.body;
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_POSTFIELDS, body.data());
  } else if (request_.method == "POST") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    set(CURLOPT_POSTFIELDS, "");
  }
  if (request_.method != "HEAD") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void Transfer::set_callbacks() {
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_text_));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &Transfer::on_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
}

void Transfer::start() {
  set(CURLOPT_TIMEOUT_MS, clamp_ms(std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now())));
}

bool Transfer::admit(const std::optional<Address>& address) noexcept try {
  if (address && policy_.allows(*address, url_.host, url_.port, url_.tls)) return true;
  if (stop_ == Stop::kNone) {
    stop_ = Stop::kAddress;
    refused_ = address.value_or(Address{});
  }
  return false;
} catch (...) {
  stop_ = Stop::kMemory;
  return false;
}

curl_socket_t Transfer::on_open(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept {
  auto* transfer = static_cast<Transfer*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN || !transfer->admit(to_address(&address->addr, address->addrlen))) {
    return CURL_SOCKET_BAD;
  }
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  transfer->has_opened_ = true;
  return fd;
}

// A kept connection was opened for another request, whose URL may have named the host differently.
int Transfer::on_request(void* self, char* remote, char*, int, int) noexcept try {
  auto* transfer = static_cast<Transfer*>(self);
  if (transfer->admit(parse_address(remote))) return CURL_PREREQFUNC_OK;
  transfer->has_opened_ = false;
  return CURL_PREREQFUNC_ABORT;
} catch (...) {
  static_cast<Transfer*>(self)->stop_ = Stop::kMemory;
  return CURL_PREREQFUNC_ABORT;
}

size_t Transfer::on_header(char* bytes, size_t size, size_t count, void* self) noexcept try {
  auto* transfer = static_cast<Transfer*>(self);
  transfer->header_bytes_ += size * count;
  if (transfer->header_bytes_ > transfer->request_.max_header_bytes) {
    transfer->stop_ = Stop::kHeaderTooLarge;
    return 0;
  }
  if (!transfer->in_body_) transfer->read_header(std::string_view(bytes, size * count));
  return transfer->stop_ == Stop::kEncoding ? 0 : size * count;
} catch (...) {
  static_cast<Transfer*>(self)->stop_ = Stop::kMemory;
  return 0;
}

void Transfer::read_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // an interim reply (1xx) came before this one
    reply_.content_type.clear();
    reply_.link.clear();
    reply_.retry_after.reset();
    is_gzip_ = false;
  } else if (const auto type = header_value(line, "content-type")) {
    reply_.content_type = type->substr(0, 256);
  } else if (const auto link = header_value(line, "link")) {
    reply_.link += (reply_.link.empty() ? "" : ", ") + std::string(*link);
  } else if (const auto delay = header_value(line, "retry-after")) {
    reply_.retry_after = parse_retry_after(*delay, std::chrono::system_clock::now(), request_.max_retry_after);
  } else if (const auto coding = header_value(line, "content-encoding")) {
    const auto is = [&](const char* name) {
      return coding->size() == strlen(name) && !strncasecmp(coding->data(), name, coding->size());
    };
    const bool gzip = is("gzip") || is("x-gzip");
    if (!gzip && !is("") && !is("identity")) stop_ = Stop::kEncoding;
    if (gzip && std::exchange(is_gzip_, true)) stop_ = Stop::kEncoding;  // packed twice
  }
}

bool Transfer::take_body(std::string_view piece) {
  in_body_ = true;
  if (!is_gzip_) {
    if (piece.size() > request_.max_reply_bytes - reply_.body.size()) {
      stop_ = Stop::kReplyTooLarge;
      return false;
    }
    reply_.body.append(piece);
    return true;
  }
  if (!gunzip_) gunzip_.emplace();
  const Gunzip::Result result = gunzip_->add(piece, reply_.body, request_.max_reply_bytes);
  if (result == Gunzip::Result::kTooLarge) stop_ = Stop::kReplyTooLarge;
  if (result == Gunzip::Result::kInvalid) stop_ = Stop::kEncoding;
  return result == Gunzip::Result::kOk;
}

size_t Transfer::on_body(char* bytes, size_t size, size_t count, void* self) noexcept try {
  return static_cast<Transfer*>(self)->take_body(std::string_view(bytes, size * count)) ? size * count : 0;
} catch (...) {
  static_cast<Transfer*>(self)->stop_ = Stop::kMemory;
  return 0;
}

Error Transfer::refusal() const {
  const bool internal = is_internal(refused_);
  return Error("42501", "connection to \"" + url_.authority + "\" is not allowed",
               internal ? "The host leads to the internal address " + to_text(refused_) + "."
                        : "The host leads to " + to_text(refused_) + ", and the URL is plain http.",
               "Ask a superuser to list the host or its network in etl.allowed_hosts.");
}

Error Transfer::stop_error() const {
  const std::string whom = " \"" + url_.authority + "\"";
  switch (stop_) {
    case Stop::kReplyTooLarge:
      return Error("54000", "reply of" + whom + " is too large",
                   "The limit is " + std::to_string(request_.max_reply_bytes) + " bytes after decompression, and " +
                       std::to_string(Gunzip::kRatio) + " times the size of a compressed reply.");
    case Stop::kHeaderTooLarge:
      return Error("54000", "reply headers of" + whom + " are too large",
                   "The limit is " + std::to_string(request_.max_header_bytes) + " bytes.");
    case Stop::kEncoding:
      return Error(sqlstate::kSinkUnavailable, "could not decode the reply of" + whom,
                   "The reply is neither plain nor valid gzip.");
    case Stop::kAddress:
      return refusal();
    default:
      return Error("53200", "out of memory in the exchange with" + whom);
  }
}

// A name may resolve to forbidden and to allowed addresses: it is a refusal only if none of them could be tried.
bool Transfer::refused_everything(CURLcode code) const {
  return !has_opened_ && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK);
}

Reply Transfer::finish(CURLcode code) {
  long status = 0;
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  reply_.status = status;
  reply_.connection_reused = connects == 0 && status != 0;
  reply_.elapsed = std::chrono::duration_cast<milliseconds>(Clock::now() - submitted_);
  if (code == CURLE_OK && gunzip_ && !gunzip_->finished()) stop_ = Stop::kEncoding;
  const bool stopped = stop_ == Stop::kAddress ? refused_everything(code) : stop_ != Stop::kNone;
  if (stopped) {
    reply_.failure = stop_error();
  } else if (code != CURLE_OK) {
    reply_.failure = make_failure(code, url_.authority, error_text_);
  }
  return std::move(reply_);
}

Reply Transfer::expire() {
  reply_.elapsed = std::chrono::duration_cast<milliseconds>(Clock::now() - submitted_);
  reply_.failure = make_failure(CURLE_OPERATION_TIMEDOUT, url_.authority, "No connection became free in time");
  return std::move(reply_);
}

}  // namespace etl::http
