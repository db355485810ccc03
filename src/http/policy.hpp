// Which addresses may be reached: the setting etl.allowed_hosts.
//
// The decision falls on the address that is about to be connected, never on text: a name may resolve to anything, and
// 127.0.0.1 has dozens of spellings. Without an entry only https to public addresses is possible. An entry opens
//   es.internal        what the name resolves to, on any port, for URLs whose host is exactly this name
//   es.internal:9200   the same on one port
//   127.0.0.1, [::1]   the same: a host as written in the URL (127.1 is another host)
//   10.1.0.0/16        every host whose connected address lies in the network
//   10.1.0.0/16:9200, fd00::/8, [fd00::/8]:9200
// for https and for plain http alike. Names are compared without regard to case and to one dot at the end.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/address.hpp"

namespace etl::http {

class AddressPolicy {
 public:
  // Nothing is listed.
  AddressPolicy() = default;

  // Reads the setting's comma-separated list. Throws Error 22023 that names the entry at fault.
  static AddressPolicy parse(std::string_view allowed_hosts);

  // `host` is the URL's host as written, in brackets if IPv6; empty if it is not in its usual spelling, and then only a
  // network can permit it. An address that is neither IPv4 nor IPv6 is never allowed.
  bool allows(const sockaddr* address, socklen_t length, std::string_view host, int port, bool tls) const;
  bool allows(const Address& address, std::string_view host, int port, bool tls) const;

 private:
  struct Entry {
    std::string host;  // lower case, no dot at the end; empty for a network
    std::optional<Network> network;
    int port = 0;  // 0: any
  };

  static Entry parse_entry(std::string_view text);
  bool lists(const Address& address, std::string_view host, int port) const;

  std::vector<Entry> entries_;
};

}  // namespace etl::http
