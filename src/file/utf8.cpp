#include "file/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace etl::file {
namespace {

// Of the sequence at the front, which starts above 0x7f; 0 if it is none.
std::size_t sequence(const unsigned char* text, std::size_t left) {
  const unsigned char first = text[0];
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || length > left) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) || (first == 0xf0 && text[1] < 0x90) ||
      (first == 0xf4 && text[1] > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

std::size_t valid_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t size = text.size();
  std::size_t at = 0;
  while (at < size) {
    // Eight at a time while they are ASCII, as most text is.
    std::uint64_t word;
    while (size - at >= sizeof word) {
      std::memcpy(&word, bytes + at, sizeof word);
      if ((word & 0x8080808080808080u) != 0) break;
      at += sizeof word;
    }
    while (at < size && bytes[at] < 0x80) ++at;
    while (at < size && bytes[at] >= 0x80) {
      const std::size_t length = sequence(bytes + at, size - at);
      if (length == 0) return at;
      at += length;
    }
  }
  return size;
}

std::string_view utf8_front(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace etl::file
