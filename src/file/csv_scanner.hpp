// Cuts a stream of CSV into records, and those into cells: quoting, line ends and limits, without names or types.
//
// Line ends. The first one outside of quotes decides: LF or CRLF, then both end a line and a lone CR is a fault; or CR,
// then nothing else does. (COPY refuses CRLF among LF as well; files are mended by hand too often for that.)
//
// Faults. A record with one is returned as bad, with its raw text. Where it ends and the next one begins:
// - a NUL byte, a CR or LF outside of quotes that ends no line: at its line end, as if nothing were wrong;
// - a misplaced quote (within an unquoted field, or with text behind a closing one): at the first line end behind it,
//   since no quote behind it opens anything;
// - a quote that is not closed before the limit or the end of the file: at the record's first line end;
// - a record over the limit: at the next line end.
//
// Time is linear. Only an unclosed quote is read on twice, and no byte more than twice: a record that ends nowhere
// within the limit has an odd number of quotes in its first line and an even one in each line after it. So each of
// those lines, when its turn comes, ends where the line ends, or has a misplaced quote and ends there as well.
//
// Memory is one buffer of at most the limit and a chunk; what is skipped of a long record is not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "file/byte_source.hpp"
#include "file/record.hpp"
#include "file/special_bytes.hpp"

namespace etl::file {

class CsvScanner {
 public:
  struct Dialect {
    char delimiter = ',';
    std::optional<char> quote = '"';
    bool tail = false;           // a last record without a line end may still be written: it is not returned
    std::size_t chunk = kChunk;  // bytes that the buffer has beyond a record's, at least 3
  };
  // Of the raw text: without the quotes. The byte at `end` exists, or is the end of the raw text.
  struct Cell {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool quoted = false;
    bool doubled = false;  // contains doubled quotes
  };
  enum class Result { kLine, kBad, kEnd };
  enum class Fault { kNone, kTooLong, kUnclosed, kQuote, kReturn, kFeed, kNul };

  // record_bytes: of one record's raw text, less than 1 GB. cells: how many of a record's are kept; all are counted.
  CsvScanner(std::unique_ptr<ByteSource> source, const Dialect& dialect, std::size_t record_bytes, std::size_t cells);

  // The next record that is not blank. What the accessors give is valid until the next call.
  Result next();

  std::string_view raw() const { return {buffer_.get() + record_, raw_size_}; }
  const std::vector<Cell>& cells() const { return cells_; }  // the first count(), as far as they are kept
  std::size_t count() const { return count_; }
  std::uint64_t line() const { return line_; }  // of the first byte, from 1
  Fault fault() const { return fault_; }
  Place place() const { return place_; }  // behind the record

  // The file's first record, which next() has just given and which is not bad, is given once more.
  void back();
  // Goes on at that place if it lies behind the one where the scanner stands.
  void go_to(const Place& place);

 private:
  enum class State : std::uint8_t { kPlain, kQuoted, kClosed, kMisplaced };
  enum class Step { kLine, kOver, kMore };
  enum class Ends : std::uint8_t { kUnknown, kFeed, kReturn };
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  void start_record();
  Step scan();
  std::size_t next_special();
  void at_delimiter(std::size_t at);
  void at_quote(std::size_t at);
  void count_line(std::size_t at);
  void blame(Fault fault);
  void add_cell(std::size_t begin, std::size_t end, bool quoted);
  Step complete(std::size_t end, std::size_t next);
  Result finish();
  Result at_end();
  Result over_limit();
  bool skip_line(std::size_t from);
  bool ends_line(std::size_t at);
  bool is_followed_by_feed(std::size_t at) const;
  std::size_t end_of_content(std::size_t at) const;
  void rescan(std::size_t at);
  void fill();
  void compact();
  void reserve(std::size_t capacity);

  std::unique_ptr<ByteSource> source_;
  const Dialect dialect_;
  const char quote_;  // the delimiter, which is looked at first, if nothing is quoted
  const SpecialBytes specials_;
  const std::size_t limit_;
  const std::size_t kept_;  // cells

  // Indexes are into the buffer unless a comment says otherwise.
  std::unique_ptr<char, Free> buffer_;
  std::size_t capacity_ = 0;  // SpecialBytes::kBlock more are allocated
  std::size_t filled_ = 0;
  std::uint64_t base_ = 0;  // byte of the stream at index 0
  bool exhausted_ = false;  // the source has ended
  bool ended_ = false;

  std::uint64_t mask_ = 0;  // special bytes of the block that are still to come
  std::size_t block_ = 0;
  std::size_t ahead_ = 0;  // the first byte behind the block

  Ends ends_ = Ends::kUnknown;
  State state_ = State::kPlain;
  Fault fault_ = Fault::kNone;
  bool doubled_ = false;
  std::size_t record_ = 0;
  std::size_t next_ = 0;    // the next record
  std::size_t field_ = 0;   // its first byte; offset in the record
  std::size_t closed_ = 0;  // the closing quote; offset in the record
  std::size_t raw_size_ = 0;
  std::uint64_t line_ = 0;
  std::uint64_t breaks_ = 0;  // line ends within the record
  std::uint64_t next_line_ = 1;
  std::vector<Cell> cells_;
  std::size_t count_ = 0;
  Place place_;
};

}  // namespace etl::file
