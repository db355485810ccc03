#include "http/client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <deque>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/signal_block.hpp"
#include "http/failure.hpp"
#include "http/transfer.hpp"

namespace etl::http {
namespace {

constexpr long kNoTimer = -1;

void check(CURLMcode code) {
  if (code == CURLM_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLM_OK) throw Error("XX000", "could not drive libcurl", to_sentence(curl_multi_strerror(code)));
}

}  // namespace

// libcurl's multi handle is told of every ready socket and of every timer, and tells which sockets to watch.
class Client::Engine {
 public:
  Engine(Waiter& waiter, AddressPolicy policy, Tls tls, int max_connections)
      : waiter_(waiter),
        policy_(std::move(policy)),
        tls_(std::move(tls)),
        max_running_(static_cast<std::size_t>(std::clamp(max_connections, 1, 1000))) {}

  ~Engine() {
    const SignalBlock block;
    for (auto& [ticket, transfer] : running_) curl_multi_remove_handle(multi_, transfer->handle());
    running_.clear();
    waiting_.clear();
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
  }

  Ticket submit(Request request);
  void pump(int timeout_ms);
  std::optional<Completed> take();
  std::optional<Reply> take(Ticket ticket);
  void cancel(Ticket ticket);
  bool has_completed() const noexcept { return !done_.empty(); }
  std::size_t in_flight() const noexcept { return running_.size() + waiting_.size(); }

 private:
  struct Waiting {
    Ticket ticket;
    std::unique_ptr<Transfer> transfer;
  };

  void open();
  void start_waiting();
  void run_timers();
  void run_sockets(const std::vector<Socket>& ready);
  void collect();
  int sleep_time(int timeout_ms) const;

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept;

  Waiter& waiter_;
  const AddressPolicy policy_;
  const Tls tls_;
  const std::size_t max_running_;
  CURLM* multi_ = nullptr;
  Ticket last_ticket_ = 0;
  std::unordered_map<Ticket, std::unique_ptr<Transfer>> running_;
  std::deque<Waiting> waiting_;
  std::deque<Completed> done_;
  std::vector<Socket> sockets_;  // what libcurl wants watched
};

int Client::Engine::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept try {
  std::vector<Socket>& sockets = static_cast<Engine*>(self)->sockets_;
  const auto known = std::find_if(sockets.begin(), sockets.end(), [&](const Socket& s) { return s.fd == fd; });
  if (what == CURL_POLL_REMOVE) {
    if (known != sockets.end()) sockets.erase(known);
    return 0;
  }
  const Socket wanted{fd, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0};
  if (known != sockets.end()) {
    *known = wanted;
  } else {
    sockets.push_back(wanted);
  }
  return 0;
} catch (...) {
  return -1;
}

void Client::Engine::open() {
  if (multi_ != nullptr) return;
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  check(curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Engine::on_socket));
  check(curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, static_cast<void*>(this)));
  check(curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_running_)));
  check(curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING)));
}

Ticket Client::Engine::submit(Request request) {
  auto transfer = std::make_unique<Transfer>(std::move(request), policy_, tls_);
  open();
  waiting_.push_back({++last_ticket_, std::move(transfer)});
  start_waiting();
  return last_ticket_;
}

// Queues here and not in libcurl (CURLMOPT_MAX_TOTAL_CONNECTIONS), where a queued request has no timeout.
void Client::Engine::start_waiting() {
  const auto now = Transfer::Clock::now();
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (next->transfer->deadline() <= now) {
      done_.push_back({next->ticket, next->transfer->expire()});
      next = waiting_.erase(next);
    } else {
      ++next;
    }
  }
  while (!waiting_.empty() && running_.size() < max_running_) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    next.transfer->start();
    CURL* const handle = next.transfer->handle();
    running_.emplace(next.ticket, std::move(next.transfer));
    const SignalBlock block;
    check(curl_multi_add_handle(multi_, handle));
  }
}

// The timer is asked for, not announced (CURLMOPT_TIMERFUNCTION): libcurl announces an unchanged timer only once, and
// one that fired a millisecond early would be lost.
void Client::Engine::run_timers() {
  long next = kNoTimer;
  check(curl_multi_timeout(multi_, &next));
  if (next != 0) return;
  int running = 0;
  const SignalBlock block;
  check(curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running));
}

void Client::Engine::run_sockets(const std::vector<Socket>& ready) {
  const SignalBlock block;
  for (const Socket& socket : ready) {
    const int mask = (socket.readable ? CURL_CSELECT_IN : 0) | (socket.writable ? CURL_CSELECT_OUT : 0);
    int running = 0;
    check(curl_multi_socket_action(multi_, socket.fd, mask, &running));
  }
}

void Client::Engine::collect() {
  int left = 0;
  const SignalBlock block;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const CURLcode code = message->data.result;  // the message ends with the removal
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const auto& entry) { return entry.second->handle() == handle; });
    if (found == running_.end()) continue;
    done_.push_back({found->first, found->second->finish(code)});
    curl_multi_remove_handle(multi_, handle);
    running_.erase(found);
  }
}

int Client::Engine::sleep_time(int timeout_ms) const {
  long next = kNoTimer;
  check(curl_multi_timeout(multi_, &next));
  const auto sooner = [&](long ms) {
    if (ms >= 0 && (timeout_ms < 0 || ms < timeout_ms)) timeout_ms = static_cast<int>(std::min(ms, 86'400'000L));
  };
  sooner(next);
  for (const Waiting& waiting : waiting_) {
    const auto left = waiting.transfer->deadline() - Transfer::Clock::now();
    sooner(std::max(0L, static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(left).count())));
  }
  return timeout_ms;
}

void Client::Engine::pump(int timeout_ms) {
  if (in_flight() == 0) return;
  const std::size_t before = done_.size();
  start_waiting();
  run_timers();
  collect();
  const int sleep = done_.size() == before ? sleep_time(timeout_ms) : 0;
  run_sockets(waiter_.wait(sockets_, sleep));
  run_timers();
  collect();
  start_waiting();
}

std::optional<Completed> Client::Engine::take() {
  if (done_.empty()) return std::nullopt;
  std::optional<Completed> first(std::move(done_.front()));
  done_.pop_front();
  return first;
}

std::optional<Reply> Client::Engine::take(Ticket ticket) {
  const auto found = std::find_if(done_.begin(), done_.end(), [&](const Completed& c) { return c.ticket == ticket; });
  if (found == done_.end()) return std::nullopt;
  std::optional<Reply> reply(std::move(found->reply));
  done_.erase(found);
  return reply;
}

void Client::Engine::cancel(Ticket ticket) {
  if (const auto found = running_.find(ticket); found != running_.end()) {
    const SignalBlock block;
    curl_multi_remove_handle(multi_, found->second->handle());
    running_.erase(found);
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.ticket == ticket; });
  std::erase_if(done_, [&](const Completed& completed) { return completed.ticket == ticket; });
}

Client::Client(Waiter& waiter, AddressPolicy policy, Tls tls, int max_connections)
    : engine_(std::make_unique<Engine>(waiter, std::move(policy), std::move(tls), max_connections)) {}

Client::~Client() = default;

Ticket Client::submit(Request request) {
  return engine_->submit(std::move(request));
}

void Client::pump(int timeout_ms) {
  engine_->pump(timeout_ms);
}

std::optional<Completed> Client::take() {
  return engine_->take();
}

Reply Client::perform(Request request) {
  const Ticket ticket = engine_->submit(std::move(request));
  try {
    for (;;) {
      if (std::optional<Reply> reply = engine_->take(ticket)) return std::move(*reply);
      engine_->pump(-1);
    }
  } catch (...) {
    engine_->cancel(ticket);
    throw;
  }
}

void Client::cancel(Ticket ticket) {
  engine_->cancel(ticket);
}

std::size_t Client::in_flight() const noexcept {
  return engine_->in_flight();
}

bool Client::at_rest() const noexcept {
  return in_flight() == 0 && !engine_->has_completed();
}

}  // namespace etl::http
