// Any bytes as etl.allowed_hosts: refused with 22023, or a policy that answers for every address.
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/error.hpp"
#include "http/policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, data, size < 16 ? size : 16);
  try {
    const auto policy = etl::http::AddressPolicy::parse(text);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    policy.allows(raw, sizeof address, text, 443, true);
    policy.allows(raw, sizeof address, "a.example", 80, false);
    if (policy.allows(raw, 2, "a.example", 80, true)) abort();
  } catch (const etl::Error& error) {
    if (error.sqlstate != "22023") abort();
  }
  return 0;
}
