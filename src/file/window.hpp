// The bytes of a source that are being looked at: a reader drops them at the front and has more read at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "file/record.hpp"

namespace etl::file {

class Window {
 public:
  // Starts at that byte of the source.
  Window(std::unique_ptr<ByteSource> source, std::uint64_t offset);

  // Valid until grow().
  std::string_view held() const { return {bytes_.get() + begin_, end_ - begin_}; }
  // Of the first byte held, in the source.
  std::uint64_t offset() const { return offset_; }

  void drop(std::size_t bytes);
  // Reads another piece behind what is held; false at the source's end.
  bool grow();

 private:
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t piece_ = 4096;  // that is read next: a small file is read with little memory
  std::uint64_t offset_;
};

}  // namespace etl::file
