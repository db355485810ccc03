// gzip (RFC 1952) for bodies: whole on the way out, a piece at a time on the way in.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace etl::http {

// Compresses with zlib's fastest level: on a link that pays for compression at all, time matters more than the last
// tenth of the size.
std::string gzip(std::string_view bytes);

// Unpacks a stream with a cap on what comes out and on how much of it comes out of one byte.
class Gunzip {
 public:
  enum class Result { kOk, kTooLarge, kInvalid };

  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;  // zlib's state points back at the stream
  Gunzip& operator=(const Gunzip&) = delete;

  // Appends the next piece to `out`, which never grows past `max_bytes`, nor past kRatio times the bytes that came in
  // once it is over kRatioFloor.
  Result add(std::string_view piece, std::string& out, std::size_t max_bytes);
  // True if the stream came to its end.
  bool finished() const noexcept { return finished_; }

  static constexpr std::size_t kRatio = 100;
  static constexpr std::size_t kRatioFloor = 1u << 20;

 private:
  Result append(std::size_t produced, const char* bytes, std::string& out, std::size_t max_bytes);

  z_stream stream_{};
  std::size_t taken_ = 0;
  bool finished_ = false;
};

}  // namespace etl::http
