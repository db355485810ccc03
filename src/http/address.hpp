// IP addresses and networks, and which of them are internal.
//
// An address is judged by its bytes, never by its spelling. An IPv4 address inside an IPv6 one (v4-mapped) is the IPv4
// address: it is unwrapped on the way in, so that no rule has to think of it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etl::http {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // IPv4 uses the first four

  bool operator==(const Address&) const = default;
};

// Nothing if the family is neither AF_INET nor AF_INET6, or the structure is too short.
std::optional<Address> to_address(const sockaddr* address, socklen_t length);

// Reads the one usual spelling of each family (inet_pton): no zone, no brackets, no octal, no short forms.
std::optional<Address> parse_address(std::string_view text);

std::string to_text(const Address& address);

struct Network {
  Address base;
  int bits = 0;

  bool contains(const Address& address) const;
  bool operator==(const Network&) const = default;
};

// Reads ADDRESS/BITS. Nothing if that is not a network, or if bits are set right of the prefix.
std::optional<Network> parse_network(std::string_view text);

// True for all that is not a public unicast address: loopback, private, shared (100.64/10), link-local, unspecified,
// multicast, broadcast, documentation and benchmark networks, the metadata addresses of clouds, and IPv6 transition
// forms that lead to them. Source: IANA special-purpose address registries (RFC 6890), and RFC 6052 for NAT64, whose
// embedded IPv4 address decides.
bool is_internal(const Address& address);

}  // namespace etl::http
