#include "remote/host_lookup.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "core/error.hpp"
#include "core/signal_block.hpp"

namespace etl::remote {

namespace {

constexpr int kGlanceMs = 1000;  // a waiter looks for interrupts at least so often

// Both sides own it: whoever ends last closes the pipe.
struct Answer {
  std::string host;
  int code = 0;
  std::vector<http::Address> addresses;
  int pipe[2] = {-1, -1};  // its writing end is closed when the answer is there

  Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    close_end(0);
    close_end(1);
  }
  void close_end(int end) {
    if (pipe[end] >= 0) ::close(pipe[end]);
    pipe[end] = -1;
  }
};

void ask(Answer& answer) noexcept {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  answer.code = getaddrinfo(answer.host.c_str(), nullptr, &hints, &found);
  try {
    for (const addrinfo* entry = found; answer.code == 0 && entry != nullptr; entry = entry->ai_next) {
      if (const auto address = http::to_address(entry->ai_addr, entry->ai_addrlen)) {
        answer.addresses.push_back(*address);
      }
    }
  } catch (...) {
    answer.code = EAI_MEMORY;
  }
  if (found != nullptr) freeaddrinfo(found);
  answer.close_end(1);
}

}  // namespace

std::vector<http::Address> look_up(const std::string& host, http::Waiter& waiter) {
  const auto answer = std::make_shared<Answer>();
  answer->host = host;
  if (::pipe2(answer->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Error("53000", "could not look up a host", std::strerror(errno));
  }
  const int end = answer->pipe[0];
  try {
    const SignalBlock block;
    std::thread([answer] { ask(*answer); }).detach();
  } catch (const std::system_error& error) {
    throw Error("53000", "could not look up a host", error.what());
  }
  char byte = 0;
  while (::read(end, &byte, 1) < 0) (void)waiter.wait({{end, true, false}}, kGlanceMs);
  if (answer->code == 0) return answer->addresses;
  throw Error("08001", "could not resolve host \"" + host + "\"", std::string(gai_strerror(answer->code)) + ".",
              "Check the host name and the name service of this machine.");
}

}  // namespace etl::remote
