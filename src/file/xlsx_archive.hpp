// A zip archive that nobody vouches for, read a part at a time (libzip).
//
// Parts are read where they are, by name inside of the archive: no name becomes a path. What an archive may cost is
// bounded: its own size by limits.archive_bytes, the entries by kEntries, a part by limits.archive_bytes and by kRatio
// times the bytes that it was unpacked from once it is over kRatioFloor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "file/record.hpp"

struct zip;
struct zip_file;

namespace etl::file {

class Archive;

// One part, unpacked from its beginning. The archive outlives it.
class ArchivePart {
 public:
  ~ArchivePart();
  ArchivePart(const ArchivePart&) = delete;
  ArchivePart& operator=(const ArchivePart&) = delete;

  // Up to `size` bytes; 0 at the end. Error 22P04 when the part is damaged or cut off, 54000 over a limit, 58030 when
  // the file cannot be read.
  std::size_t read(char* buffer, std::size_t size);
  const std::string& name() const { return name_; }

 private:
  friend class Archive;
  ArchivePart(Archive& archive, std::string name, zip_file* file);

  Archive& archive_;
  std::string name_;
  zip_file* file_;
  std::uint64_t packed_before_;
  std::uint64_t unpacked_ = 0;
};

class Archive {
 public:
  // A file that stays the caller's and open; neither needs nor moves its offset.
  // Error 22P04 no zip archive, or a damaged one; 0A000 an encrypted workbook, or one of Excel 97; 54000 over a limit;
  // 58030 when the file cannot be read.
  Archive(int descriptor, const Limits& limits);
  // Bytes that outlive it.
  Archive(std::string_view bytes, const Limits& limits);
  ~Archive();
  Archive(const Archive&) = delete;  // libzip keeps a pointer to the input
  Archive& operator=(const Archive&) = delete;

  bool has(const std::string& name) const;
  // Names match as OPC has it, whatever the case of ASCII letters. Error 22P04 when there is none, 0A000 when it is
  // encrypted or packed by another method than deflate.
  std::unique_ptr<ArchivePart> open(const std::string& name);

  static constexpr std::int64_t kEntries = 10000;
  static constexpr std::uint64_t kRatio = 100;
  static constexpr std::uint64_t kRatioFloor = 1u << 20;

 private:
  friend class ArchivePart;
  struct Input;

  void open_archive();
  std::int64_t find(const std::string& name) const;
  [[noreturn]] void refuse(int code, const std::string& what) const;

  std::unique_ptr<Input> input_;
  std::uint64_t archive_bytes_;
  std::function<void()> check_;  // limits.check
  zip* zip_ = nullptr;
};

}  // namespace etl::file
