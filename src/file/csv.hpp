// CSV (RFC 4180) as COPY reads it, a record at a time. How lines, quotes and faults are read: file/csv_scanner.hpp.
//
// A field is NULL when it is unquoted and equal to the null text; "" is an empty string. Blank lines are skipped, a
// UTF-8 byte order mark at the front is as well. Text is taken as it stands, in any encoding in which the bytes of
// ASCII are only ever ASCII (all of PostgreSQL's server encodings; not SJIS, BIG5, GBK, GB18030, JOHAB, UHC, nor
// UTF-16). \. has no meaning.
//
// A bad record is kBad: 22P04 for its quotes, line ends or number of fields, 54000 over limits.record_bytes (its raw
// text is cut there), 22P05 for a NUL byte. Memory is at most twice limits.record_bytes and kChunk. A caller that looks
// for interrupts does so in its ByteSource, which is asked for kChunk at a time, also while a long line is skipped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "file/csv_scanner.hpp"
#include "file/record.hpp"

namespace etl::file {

struct CsvOptions {
  // The first record names the columns. A column without a name is column1, column2, …, by its position.
  bool header = true;
  char delimiter = ',';             // one byte of ASCII
  std::optional<char> quote = '"';  // one byte of ASCII, or nothing is quoted
  std::string null;                 // as in COPY, without delimiter, quote and line ends
  // Declared: found in the header by name, and what else is there is passed over; without a header, by position. None:
  // all of the header, or as many as the first record has fields.
  std::vector<std::string> columns;
  // A last line without a line end may still be written: it is not given, and place() stays before it. So does all that
  // follows a quote which is not closed yet.
  bool tail = false;
  std::size_t chunk = kChunk;  // bytes that are read ahead; tests make it small
};

class CsvReader : public RecordReader {
 public:
  // Reads the first record, of which columns and line ends are known, and goes on at `start`, a place that a reader of
  // this file with these options gave. Error 22023 of the options; 22P04 of a header that lacks a column or has a name
  // twice, 54011 of more than limits.fields; a first record that is needed and bad is thrown as it is. An empty file
  // has the declared columns and no record.
  CsvReader(std::unique_ptr<ByteSource> source, CsvOptions options, const Limits& limits, const Place& start = {});

  const std::vector<std::string>& columns() const override { return columns_; }
  Read next(Record& record) override;
  Place place() const override { return scanner_.place(); }

 private:
  void read_first();
  std::vector<std::string> read_header();
  void match_columns(const std::vector<std::string>& header);
  void take_fields(std::vector<Field>& fields);
  Error count_error() const;
  Error fault_error() const;

  const CsvOptions options_;
  const Limits limits_;
  CsvScanner scanner_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> cell_of_column_;
  std::size_t wanted_ = 0;        // fields of a record
  std::unique_ptr<char[]> text_;  // of the fields, each at its place in the raw text
  std::size_t text_size_ = 0;
};

}  // namespace etl::file
