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

}  // namespace

std::string fingerprint(const File& file, std::uint64_t size) {
  const std::uint64_t part = std::min<std::uint64_t>(size, kPrintedBytes);
  return std::to_string(size) + ":" + crc_of(file, 0, part) + ":" + crc_of(file, size - part, size);
}

bool begins_with(const File& file, std::string_view print) {
  std::uint64_t size = 0;
  const auto [end, failed] = std::from_chars(print.data(), print.data() + print.size(), size);
  return failed == std::errc() && end != print.data() + print.size() && size <= file.identity.size &&
         fingerprint(file, size) == print;
}

}  // namespace etl::file
