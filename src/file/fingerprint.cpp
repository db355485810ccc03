#include "file/fingerprint.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "file/beneath.hpp"

namespace etl::file {

namespace {

std::string crc_of(const File& file, std::uint64_t from, std::uint64_t until) {
  char bytes[kPrintedBytes];
  uLong crc = crc32(0, nullptr, 0);
  while (from < until) {
    const ssize_t got = ::pread(file.descriptor.get(), bytes, std::min<std::uint64_t>(until - from, sizeof bytes),
                                static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file.identity.path, "read", errno);
    if (got == 0) break;
    crc = crc32(crc, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(got));
    from += static_cast<std::uint64_t>(got);
  }
  return std::to_string(crc);
}

std::string print(const File& file, std::uint64_t size) {
  const std::uint64_t part = std::min<std::uint64_t>(size, kPrintedBytes);
  return std::to_string(size) + ":" + crc_of(file, 0, part) + ":" + crc_of(file, size - part, size);
}

bool is_packed(const File& file) {
  char first[4] = {};
  if (::pread(file.descriptor.get(), first, sizeof first, 0) < 2) return false;
  return std::string_view(first, 2) == "\x1f\x8b" || std::string_view(first, 4) == "PK\x03\x04";
}

}  // namespace

std::string fingerprint(const File& file, std::uint64_t size) {
  return print(file, is_packed(file) ? file.identity.size : size);
}

bool begins_with(const File& file, std::string_view printed) {
  std::uint64_t size = 0;
  const auto [end, failed] = std::from_chars(printed.data(), printed.data() + printed.size(), size);
  return failed == std::errc() && end != printed.data() + printed.size() && size <= file.identity.size &&
         print(file, size) == printed;
}

}  // namespace etl::file
