// Any bytes as an address or a network: what is read has one spelling that reads back as the same, and a network holds
// its base and nothing whose prefix differs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/address.hpp"

namespace {

using etl::http::Address;

void require(bool holds) {
  if (!holds) abort();
}

Address with_flipped_bit(Address address, int bit) {
  address.bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(0x80 >> (bit % 8));
  return address;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = etl::http::parse_address(text)) {
    require(etl::http::parse_address(etl::http::to_text(*address)) == address);
    if (!address->v6) {
      const auto mapped = etl::http::parse_address("::ffff:" + etl::http::to_text(*address));
      require(mapped == address && etl::http::is_internal(*mapped) == etl::http::is_internal(*address));
    }
  }
  if (const auto network = etl::http::parse_network(text)) {
    const int width = network->base.v6 ? 128 : 32;
    require(network->bits >= 0 && network->bits <= width && network->contains(network->base));
    const std::string written = etl::http::to_text(network->base) + "/" + std::to_string(network->bits);
    require(etl::http::parse_network(written) == network);
    for (int bit = 0; bit < width; ++bit) {
      require(network->contains(with_flipped_bit(network->base, bit)) == (bit >= network->bits));
    }
  }
  return 0;
}
