// A file of a test: a string, delivered in pieces of a chosen size.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "file/record.hpp"

namespace etl::file {

class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string bytes, std::size_t piece = 1u << 20) : bytes_(std::move(bytes)), piece_(piece) {}
  std::size_t read(char* buffer, std::size_t size) override {
    if (at_ >= fail_at_) throw Error("58030", "could not read the file");
    const std::size_t got = bytes_.copy(buffer, std::min(size, piece_), at_);
    at_ += got;
    return got;
  }
  void skip_to(std::uint64_t byte) override { at_ = static_cast<std::size_t>(byte); }
  void fail_at(std::size_t byte) { fail_at_ = byte; }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  std::size_t fail_at_ = std::string::npos;
};

}  // namespace etl::file
