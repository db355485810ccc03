#include "file/byte_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "core/error.hpp"
#include "file/beneath.hpp"

namespace etl::file {
namespace {

constexpr int kGzipWindow = 15 + 16;  // largest window, gzip framing only

// Asks before each piece whether to go on; the bytes that are skipped are pieces as well, of what is unpacked.
class CheckedSource final : public ByteSource {
 public:
  CheckedSource(std::unique_ptr<ByteSource> source, std::function<void()> check)
      : source_(std::move(source)), check_(std::move(check)) {}
  std::size_t read(char* buffer, std::size_t size) override {
    check_();
    const std::size_t got = source_->read(buffer, std::min(size, kChunk));
    at_ += got;
    return got;
  }
  void skip_to(std::uint64_t byte) override {
    for (; at_ < byte; at_ = std::min<std::uint64_t>(byte, at_ + kChunk)) {
      check_();
      source_->skip_to(std::min<std::uint64_t>(byte, at_ + kChunk));
    }
    source_->skip_to(byte);
    at_ = byte;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  const std::function<void()> check_;
  std::uint64_t at_ = 0;
};

}  // namespace

std::size_t FileSource::read(char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::pread(file_.descriptor.get(), buffer, std::min(size, kChunk), static_cast<off_t>(at_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(file_.identity.path, "read", errno);
    at_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
}

std::size_t TextSource::read(char* buffer, std::size_t size) {
  const std::uint64_t start = std::min<std::uint64_t>(at_, text_.size());
  const std::size_t got = text_.copy(buffer, size, start);
  at_ = start + got;
  return got;
}

GzipSource::GzipSource(std::unique_ptr<ByteSource> packed)
    : packed_(std::move(packed)), input_(std::make_unique_for_overwrite<char[]>(kChunk)) {
  if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
}

GzipSource::~GzipSource() {
  inflateEnd(&stream_);
}

void GzipSource::refuse_stream(const char* message, const std::string& seen) const {
  throw Error("22P04", message,
              seen + " It was read up to packed byte " + std::to_string(taken_ - stream_.avail_in) +
                  ", which is byte " + std::to_string(given_) + " of what is in it.",
              "Write the file anew.");
}

// False at the end of the packed bytes.
bool GzipSource::refill() {
  if (stream_.avail_in > 0) return true;
  const std::size_t got = packed_->read(input_.get(), kChunk);
  taken_ += got;
  stream_.next_in = reinterpret_cast<Bytef*>(input_.get());
  stream_.avail_in = static_cast<uInt>(got);
  return got > 0;
}

void GzipSource::inflate_some() {
  const int code = inflate(&stream_, Z_NO_FLUSH);
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  if (code == Z_STREAM_END) {
    in_member_ = false;
    if (inflateReset(&stream_) != Z_OK) throw Error("XX000", "could not reset zlib");
  } else if (code != Z_OK && code != Z_BUF_ERROR) {
    refuse_stream("gzip file is damaged",
                  std::string("The unpacker says: ") + (stream_.msg != nullptr ? stream_.msg : "no reason") + ".");
  }
}

std::size_t GzipSource::read(char* buffer, std::size_t size) {
  size = std::min<std::size_t>(size, std::numeric_limits<uInt>::max());
  stream_.next_out = reinterpret_cast<Bytef*>(buffer);
  stream_.avail_out = static_cast<uInt>(size);
  while (stream_.avail_out == size && size > 0) {
    if (!refill()) {
      if (in_member_) refuse_stream("gzip file is cut off", "It ends within a member.");
      return 0;
    }
    in_member_ = true;
    inflate_some();
  }
  const std::size_t got = size - stream_.avail_out;
  given_ += got;
  return got;
}

void GzipSource::skip_to(std::uint64_t byte) {
  if (byte < given_) throw Error("XX000", "a gzip file cannot be read backwards");
  const auto scratch = std::make_unique_for_overwrite<char[]>(kChunk);
  while (given_ < byte) {
    if (read(scratch.get(), static_cast<std::size_t>(std::min<std::uint64_t>(byte - given_, kChunk))) == 0) return;
  }
}

std::unique_ptr<ByteSource> open_source(File file, const Limits& limits) {
  auto plain = std::make_unique<FileSource>(std::move(file));
  char magic[2];
  const std::size_t got = plain->read(magic, sizeof magic);
  plain->skip_to(0);
  std::unique_ptr<ByteSource> source = std::move(plain);
  if (got == sizeof magic && std::memcmp(magic, "\x1f\x8b", sizeof magic) == 0) {
    source = std::make_unique<GzipSource>(std::move(source));
  }
  if (!limits.check) return source;
  return std::make_unique<CheckedSource>(std::move(source), limits.check);
}

}  // namespace etl::file
