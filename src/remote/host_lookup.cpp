#include "remote/host_lookup.hpp"

#include <netdb.h>

#include <memory>

#include "core/error.hpp"

namespace etl::remote {

namespace {

struct Answer {
  std::string host;
  int code = 0;
  std::vector<http::Address> addresses;
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
}

}  // namespace

std::vector<http::Address> look_up(const std::string& host, http::Waiter& waiter, Clock::time_point until) {
  const auto answer = std::make_shared<Answer>();
  answer->host = host;
  const bool answered = run_off_thread([answer] { ask(*answer); }, waiter, until);
  if (answered && answer->code == 0) return answer->addresses;
  throw Error("08001", "could not resolve host \"" + host + "\"",
              answered ? std::string(gai_strerror(answer->code)) + "." : "The name service did not answer in time.",
              "Check the host name and the name service of this machine.");
}

}  // namespace etl::remote
