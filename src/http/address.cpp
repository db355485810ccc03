#include "http/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace etl::http {
namespace {

struct Special {
  bool v6;
  std::array<std::uint8_t, 16> base;
  int bits;
};

constexpr Special kInternal[] = {
    {false, {0}, 8},                                         // this network, unspecified
    {false, {10}, 8},                                        // private
    {false, {100, 64}, 10},                                  // shared; 100.100.100.200 is a metadata service
    {false, {127}, 8},                                       // loopback
    {false, {168, 63, 129, 16}, 32},                         // Azure's host service, a public address that is not
    {false, {169, 254}, 16},                                 // link-local, metadata services
    {false, {172, 16}, 12},                                  // private
    {false, {192, 0, 0}, 24},                                // protocol assignments; 192.0.0.192 is a metadata service
    {false, {192, 0, 2}, 24},                                // documentation
    {false, {192, 88, 99}, 24},                              // 6to4 relays
    {false, {192, 168}, 16},                                 // private
    {false, {198, 18}, 15},                                  // benchmarks
    {false, {198, 51, 100}, 24},                             // documentation
    {false, {203, 0, 113}, 24},                              // documentation
    {false, {224}, 4},                                       // multicast
    {false, {240}, 4},                                       // reserved, broadcast
    {true, {0}, 80},                                         // unspecified, loopback, IPv4-compatible, ::ffff:0:0/96
    {true, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96},  // IPv4-translated
    {true, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48},        // NAT64 of a local network
    {true, {0x01, 0x00}, 64},                                // discard
    {true, {0x20, 0x01, 0x00}, 23},                          // protocol assignments, Teredo
    {true, {0x20, 0x01, 0x0d, 0xb8}, 32},                    // documentation
    {true, {0x20, 0x02}, 16},                                // 6to4
    {true, {0x3f, 0xff, 0x00}, 20},                          // documentation
    {true, {0x5f, 0x00}, 16},                                // segment routing
    {true, {0xfc}, 7},                                       // unique local; fd00:ec2::254 is a metadata service
    {true, {0xfe, 0x80}, 10},                                // link-local
    {true, {0xfe, 0xc0}, 10},                                // site-local
    {true, {0xff}, 8},                                       // multicast
};

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t kNat64[12] = {0x00, 0x64, 0xff, 0x9b};

bool same_prefix(const std::uint8_t* a, const std::uint8_t* b, int bits) {
  const int whole = bits / 8;
  if (std::memcmp(a, b, static_cast<std::size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

Address from_v4(const std::uint8_t* bytes) {
  Address address;
  std::copy_n(bytes, 4, address.bytes.begin());
  return address;
}

Address from_v6(const std::uint8_t* bytes) {
  if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) return from_v4(bytes + 12);
  Address address;
  address.v6 = true;
  std::copy_n(bytes, 16, address.bytes.begin());
  return address;
}

}  // namespace

std::optional<Address> to_address(const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) return std::nullopt;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return from_v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    return from_v6(v6.sin6_addr.s6_addr);
  }
  return std::nullopt;
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
  const std::string terminated(text);
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) return from_v4(bytes);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) return from_v6(bytes);
  return std::nullopt;
}

std::string to_text(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

bool Network::contains(const Address& address) const {
  return address.v6 == base.v6 && same_prefix(address.bytes.data(), base.bytes.data(), bits);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::string_view left = text.substr(0, slash);
  const std::string_view right = text.substr(slash + 1);
  const std::optional<Address> base = parse_address(left);
  int bits = -1;
  const auto [end, error] = std::from_chars(right.data(), right.data() + right.size(), bits);
  if (!base || right.empty() || error != std::errc{} || end != right.data() + right.size()) return std::nullopt;

  // A network written over a v4-mapped address was unwrapped to IPv4: so is its length.
  if (!base->v6 && left.find(':') != left.npos) bits -= 96;
  const int width = base->v6 ? 128 : 32;
  if (bits < 0 || bits > width) return std::nullopt;
  for (int bit = bits; bit < width; ++bit) {
    if ((base->bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8)) & 1) return std::nullopt;
  }
  return Network{*base, bits};
}

bool is_internal(const Address& address) {
  if (address.v6 && std::memcmp(address.bytes.data(), kNat64, sizeof kNat64) == 0) {
    return is_internal(from_v4(address.bytes.data() + 12));
  }
  return std::any_of(std::begin(kInternal), std::end(kInternal), [&](const Special& network) {
    return network.v6 == address.v6 && same_prefix(network.base.data(), address.bytes.data(), network.bits);
  });
}

}  // namespace etl::http
