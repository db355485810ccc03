// Tells whether a file still begins with the bytes that were read of it, by the first and the last of them. What was
// rewritten in between, at the same length, is not seen; what follows them may be mended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "file/directory.hpp"

namespace etl::file {

inline constexpr std::size_t kPrintedBytes = 4096;  // at each of the two ends

// Of the first `size` bytes, of a packed file (gzip, xlsx) of all of them: "size:crc32:crc32". Error 58030 when they
// cannot be read.
std::string fingerprint(const File& file, std::uint64_t size);
// Whether the file has as many bytes, and these. False of what no fingerprint() gave.
bool begins_with(const File& file, std::string_view print);

}  // namespace etl::file
