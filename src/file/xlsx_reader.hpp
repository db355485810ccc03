// Records out of a sheet of an Excel workbook (.xlsx).
//
// A field's text: of a string its characters, of a number what the file has (of one with a fraction or exponent and
// more than 15 digits the shortest text of its double), true or false, and of a number with a date's format 2024-01-31,
// 2024-01-31 12:30:00.5 or 12:30:00 (xlsx_date.hpp); of a formula the value that was stored with it. A cell without a
// value is NULL, and so is one with a text of no characters; all but the first of merged cells are. A row of NULLs only
// is no record.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file/record.hpp"
#include "file/xlsx_archive.hpp"
#include "file/xlsx_sheet.hpp"
#include "file/xlsx_workbook.hpp"

namespace etl::file {

struct XlsxOptions {
  std::string sheet;                 // a name, or a number from 1; "": the first with cells
  std::string range;                 // "B2:F100", "B:F", "B2:F", "2:100"; "": all
  bool header = true;                // the range's first row, of all the first one with a value, has the columns' names
  std::vector<std::string> columns;  // those that are wanted: by name of the header, or without one by position
  std::size_t sample = 1000;         // rows to infer types from, when no columns are given
};

class XlsxReader final : public RecordReader {
 public:
  // Goes on behind the row from.line. Errors: 22023 an unknown sheet, a range that is none, or more or fewer columns
  // than the range has; 22P04 a header with a blank or doubled name or without one that is wanted; 42701 a column is
  // named twice; 54011 more columns than limits.fields; those of xlsx_archive.hpp, xlsx_xml.hpp and xlsx_workbook.hpp.
  XlsxReader(std::unique_ptr<Archive> archive, XlsxOptions options, const Limits& limits, Place from = {});
  XlsxReader(const XlsxReader&) = delete;  // its rows refer to its workbook
  XlsxReader& operator=(const XlsxReader&) = delete;

  const std::vector<std::string>& columns() const override { return columns_; }
  // kBad: 22P02 a cell that is wanted holds an error, a formula that was never calculated, or something that makes no
  // sense; 22008 a date that is none; 22P04 without a range, a value beside the columns; 54000 longer than
  // limits.record_bytes. Throws what ends the file: 22P04 a damaged one, 54000 over a limit.
  // Record::raw is the row's values as a JSON array of strings and nulls; Record::line the row.
  Read next(Record& record) override;
  // `line` is the row; `byte` is 0.
  Place place() const override { return {0, place_}; }

  // The SQL types that fit the columns' cells in the sample; empty when columns were given: bigint, numeric, boolean,
  // date, timestamp without time zone, time without time zone, interval; text for strings, what is mixed, and no value.
  const std::vector<std::string>& types() const { return types_; }

 private:
  struct Range {
    std::uint32_t first_column = 0;  // 0: what the header or the sample has
    std::uint32_t last_column = 0;
    std::uint32_t first_row = 0;  // 0: not given
    std::uint32_t last_row = SheetRows::kRows;
  };
  static Range parse_range(const std::string& text);

  bool next_row();
  bool is_in_range(const Cell& cell) const;
  std::size_t index_of(const Cell& cell) const { return cell.column - range_.first_column; }
  void read_header();
  void match_names(const std::vector<std::string>& header);
  void set_positions(std::size_t columns);
  void take_sample();
  bool place_cells(Record& record);
  bool judge(const Cell& cell, Error& error) const;
  void write_raw();

  std::unique_ptr<Archive> archive_;
  XlsxOptions options_;
  Limits limits_;
  Workbook workbook_;
  Range range_;
  const bool has_columns_;  // the range says which
  bool is_open_;            // neither a range nor a header nor the sample has said yet how wide the sheet is
  std::vector<std::string> columns_;
  std::vector<std::string> types_;
  std::vector<int> field_of_;  // by column of the range; -1: not wanted
  std::uint32_t skip_ = 0;     // rows up to this one are no records
  std::uint32_t place_ = 0;
  bool over_ = false;
  std::unique_ptr<SheetRows> rows_;
  SheetRow row_;
  std::vector<Field> values_;  // by column of the range
  std::string raw_;
};

}  // namespace etl::file
