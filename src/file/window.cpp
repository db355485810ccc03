#include "file/window.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace etl::file {

namespace {
constexpr std::size_t kLargestPiece = 256u << 10;
}

Window::Window(std::unique_ptr<ByteSource> source, std::uint64_t offset) : source_(std::move(source)), offset_(offset) {
  if (offset > 0) source_->skip_to(offset);
}

void Window::drop(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

bool Window::grow() {
  const std::size_t size = end_ - begin_;
  if (capacity_ - size < piece_) {
    const std::size_t capacity = std::max(2 * capacity_, size + piece_);
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (size > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, size);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  } else if (begin_ > 0) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, size);
  }
  begin_ = 0;
  end_ = size;
  const std::size_t got = source_->read(bytes_.get() + end_, piece_);
  end_ += got;
  piece_ = std::min(2 * piece_, kLargestPiece);
  return got > 0;
}

}  // namespace etl::file
