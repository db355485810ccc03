// Where in 64 bytes those stand that mean something in CSV: delimiter, quote, LF, CR, NUL. Most bytes of a file are
// none of them and are never looked at one by one.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace etl::file {

class SpecialBytes {
 public:
  static constexpr std::size_t kBlock = 64;

  SpecialBytes(char delimiter, char quote) noexcept : delimiter_(delimiter), quote_(quote) {}

  // Bit i: byte i is special. Reads kBlock bytes.
  std::uint64_t find(const char* block) const noexcept {
#ifdef __SSE2__
    return find_16(block) | find_16(block + 16) << 16 | find_16(block + 32) << 32 | find_16(block + 48) << 48;
#else
    return find_portably(block);
#endif
  }

  // The same, for processors without SSE2.
  std::uint64_t find_portably(const char* block) const noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const char byte = block[i];
      const bool special = byte == delimiter_ || byte == quote_ || byte == '\n' || byte == '\r' || byte == '\0';
      found |= static_cast<std::uint64_t>(special) << i;
    }
    return found;
  }

 private:
#ifdef __SSE2__
  std::uint64_t find_16(const char* block) const noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
    const auto is = [&](char byte) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)); };
    const __m128i ours = _mm_or_si128(is(delimiter_), is(quote_));
    const __m128i ends = _mm_or_si128(_mm_or_si128(is('\n'), is('\r')), is('\0'));
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ours, ends))));
  }
#endif

  char delimiter_;
  char quote_;
};

}  // namespace etl::file
