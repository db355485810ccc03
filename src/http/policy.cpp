#include "http/policy.hpp"

#include <algorithm>
#include <charconv>

#include "core/error.hpp"

namespace etl::http {
namespace {

[[noreturn]] void refuse(std::string_view entry, std::string detail) {
  std::string shown(entry.substr(0, 200));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  throw Error("22023", "invalid entry in etl.allowed_hosts: \"" + shown + "\"", std::move(detail),
              "Write host, host:port, network/bits or network/bits:port, separated by commas; an IPv6 address with a "
              "port stands in brackets.");
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string comparable(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  std::string text(host);
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

int parse_port(std::string_view entry, std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    refuse(entry, "The port is not a number from 1 to 65535.");
  }
  return port;
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Splits NETWORK[:PORT], [ADDRESS/BITS][:PORT]: returns what is left of the port, without brackets.
std::string_view split_port(std::string_view entry, std::string_view* port) {
  if (entry.front() == '[') {
    const std::size_t close = entry.find(']');
    if (close == entry.npos) refuse(entry, "The bracket is not closed.");
    const std::string_view rest = entry.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') refuse(entry, "Only a port may follow the bracket.");
      *port = rest.substr(1);
    }
    return entry.substr(1, close - 1);
  }
  const std::size_t slash = entry.find('/');
  const std::size_t first = entry.find(':', slash == entry.npos ? 0 : slash);
  const bool bare_v6 = slash == entry.npos && first != entry.npos && entry.find(':', first + 1) != entry.npos;
  if (first == entry.npos || bare_v6) return entry;
  *port = entry.substr(first + 1);
  return entry.substr(0, first);
}

}  // namespace

AddressPolicy::Entry AddressPolicy::parse_entry(std::string_view text) {
  Entry entry;
  std::string_view port(text.data(), 0);
  const char* const no_port = port.data();
  const std::string_view left = split_port(text, &port);
  if (port.data() != no_port) entry.port = parse_port(text, port);

  if (left.find('/') != left.npos) {
    entry.network = parse_network(left);
    if (!entry.network) refuse(text, "This is not a network, or bits are set to the right of its prefix.");
    return entry;
  }
  if (text.front() == '[' || left.find(':') != left.npos) {
    const std::optional<Address> address = parse_address(left);
    if (!address || left.find(':') == left.npos) refuse(text, "This is not an IPv6 address.");
    entry.host = "[" + (address->v6 ? to_text(*address) : comparable(left)) + "]";
    return entry;
  }
  entry.host = comparable(left);
  if (entry.host.empty() || entry.host.size() > 253 ||
      !std::all_of(entry.host.begin(), entry.host.end(), is_name_byte)) {
    refuse(text, "This is not a host name; wildcards and URLs are not accepted.");
  }
  return entry;
}

AddressPolicy AddressPolicy::parse(std::string_view allowed_hosts) {
  AddressPolicy policy;
  if (trim(allowed_hosts).empty()) return policy;
  for (std::size_t begin = 0; begin <= allowed_hosts.size();) {
    const std::size_t end = std::min(allowed_hosts.find(',', begin), allowed_hosts.size());
    const std::string_view text = trim(allowed_hosts.substr(begin, end - begin));
    if (text.empty()) refuse(text, "An entry is empty.");
    policy.entries_.push_back(parse_entry(text));
    begin = end + 1;
  }
  return policy;
}

bool AddressPolicy::lists(const Address& address, std::string_view host, int port) const {
  const std::string name = comparable(host);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.port != 0 && entry.port != port) return false;
    return entry.network ? entry.network->contains(address) : !name.empty() && entry.host == name;
  });
}

bool AddressPolicy::allows(const Address& address, std::string_view host, int port, bool tls) const {
  if (tls && !is_internal(address)) return true;
  return lists(address, host, port);
}

bool AddressPolicy::allows(const sockaddr* address, socklen_t length, std::string_view host, int port, bool tls) const {
  const std::optional<Address> known = to_address(address, length);
  return known && allows(*known, host, port, tls);
}

}  // namespace etl::http
