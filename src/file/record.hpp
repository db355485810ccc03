// What every reader of files delivers: one record after the other, its fields as text, with the place it came from.
//
// Readers stream: memory is bounded by Limits, whatever the file's size. A record that cannot be read is not the end:
// it comes as kBad with its error and its raw text, and the next call goes on behind it, as far as the format allows.
// No reader knows PostgreSQL: a field is the text that a type's input function reads, in the file's own encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace etl::file {

struct Limits {
  std::size_t record_bytes = 16u << 20;  // of one record's raw text: etl.max_record_size
  std::size_t fields = 1600;             // of one record, as many as a table can have columns
  int json_depth = 512;                  // etl.max_json_depth
  std::size_t archive_bytes = 1u << 30;  // of one unpacked part of an xlsx: etl.max_archive_size
  std::function<void()> check = {};      // called for each piece that is read or unpacked; throws to stop the reader
};

// A value: `text` ends with a NUL byte that `size` does not count. It is NULL where text is nullptr.
struct Field {
  const char* text = nullptr;
  std::size_t size = 0;
};

// Behind which bytes of the (unpacked) file a reader stands. A reader that is opened there goes on with the next
// record.
struct Place {
  std::uint64_t byte = 0;
  std::uint64_t line = 0;  // records or lines read so far: for messages
};

struct Record {
  std::vector<Field> fields;  // in the order of columns(); valid until the next call
  std::string_view raw;       // as it stands in the file, without its line end; valid until the next call
  std::uint64_t line = 0;     // of its first byte, from 1; of an xlsx, the row
  Error error{"", ""};        // of a kBad one
};

enum class Read { kRecord, kBad, kEnd };

// Bytes in order: a file, an unpacked gzip, a body of HTTP.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes; 0 at the end. Error 58030 when the file cannot be read, 22P04 when a gzip is damaged or cut
  // off.
  virtual std::size_t read(char* buffer, std::size_t size) = 0;
  // Skips to that byte of the unpacked stream.
  virtual void skip_to(std::uint64_t byte) = 0;
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  // The names of the columns: declared, or out of a header. Without either, column1, column2, …
  virtual const std::vector<std::string>& columns() const = 0;
  // The next record. Throws only what ends the whole file (58030, 22P04 of a gzip, 54000 over a limit that leaves no
  // way on).
  virtual Read next(Record& record) = 0;
  // Behind the record read last.
  virtual Place place() const = 0;
};

}  // namespace etl::file
