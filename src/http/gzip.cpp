#include "http/gzip.hpp"

#include <limits>
#include <new>

#include "core/error.hpp"

namespace etl::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // largest window, gzip framing only

Bytef* input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

}  // namespace

std::string gzip(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) throw Error("54000", "HTTP body is too large to compress");
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  struct End {
    z_stream* stream;
    ~End() { deflateEnd(stream); }
  } end{&stream};
  std::string packed(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw Error("XX000", "could not compress an HTTP body");
  packed.resize(stream.total_out);
  return packed;
}

Gunzip::Gunzip() {
  if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() {
  inflateEnd(&stream_);
}

Gunzip::Result Gunzip::append(std::size_t produced, const char* bytes, std::string& out, std::size_t max_bytes) {
  const std::size_t total = out.size() + produced;
  if (total > max_bytes) return Result::kTooLarge;
  if (total > kRatioFloor && total / kRatio > taken_) return Result::kTooLarge;
  out.append(bytes, produced);
  return Result::kOk;
}

Gunzip::Result Gunzip::add(std::string_view piece, std::string& out, std::size_t max_bytes) {
  taken_ += piece.size();
  stream_.next_in = input(piece);
  stream_.avail_in = static_cast<uInt>(piece.size());
  char buffer[16384];
  do {
    if (finished_) {
      if (stream_.avail_in == 0) break;
      // RFC 1952 allows several members in a row.
      if (inflateReset(&stream_) != Z_OK) return Result::kInvalid;
      finished_ = false;
    }
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = sizeof buffer;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return Result::kInvalid;
    const Result result = append(sizeof buffer - stream_.avail_out, buffer, out, max_bytes);
    if (result != Result::kOk) return result;
    finished_ = code == Z_STREAM_END;
  } while (stream_.avail_in > 0 || stream_.avail_out == 0);
  return Result::kOk;
}

}  // namespace etl::http
