// Where readers of files get their bytes: a file, a gzip (RFC 1952) unpacked on the way, a text in memory.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "file/directory.hpp"
#include "file/record.hpp"

namespace etl::file {

inline constexpr std::size_t kChunk = 1u << 18;  // bytes of one read

// Reads at most kChunk at once, so that a caller may look for interrupts in between. Skips in both directions.
class FileSource : public ByteSource {
 public:
  explicit FileSource(File file) : file_(std::move(file)) {}
  std::size_t read(char* buffer, std::size_t size) override;
  void skip_to(std::uint64_t byte) override { at_ = byte; }

 private:
  File file_;
  std::uint64_t at_ = 0;
};

class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* buffer, std::size_t size) override;
  void skip_to(std::uint64_t byte) override { at_ = byte; }

 private:
  std::string text_;
  std::uint64_t at_ = 0;
};

// Unpacks. Members that follow each other are one stream; the end of a member is the end of the packed bytes or another
// member. Skips forward only, by unpacking: XX000 for a byte that is already read. There is no limit on the ratio,
// since nothing is kept: memory is kChunk and zlib's window.
class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> packed);
  ~GzipSource() override;
  GzipSource(const GzipSource&) = delete;  // zlib's state points back at the stream
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(char* buffer, std::size_t size) override;
  void skip_to(std::uint64_t byte) override;

 private:
  bool refill();
  void inflate_some();
  [[noreturn]] void refuse_stream(const char* message, const std::string& seen) const;

  std::unique_ptr<ByteSource> packed_;
  std::unique_ptr<char[]> input_;
  z_stream stream_{};
  std::uint64_t taken_ = 0;  // packed bytes read
  std::uint64_t given_ = 0;  // unpacked bytes
  bool in_member_ = false;
};

// The bytes of a file, unpacked when it begins like a gzip (1F 8B). Calls limits.check as it goes.
std::unique_ptr<ByteSource> open_source(File file, const Limits& limits = {});

}  // namespace etl::file
