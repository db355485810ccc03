// The rows of one sheet, in the order of the file, a row in memory at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "file/record.hpp"
#include "file/xlsx_workbook.hpp"
#include "file/xlsx_xml.hpp"

namespace etl::file {

// Of a cell's value. What comes behind kText cannot be a field.
enum class CellKind : unsigned char {
  kEmpty,  // no value, or a text without a character: no such cell is delivered
  kInteger,
  kNumber,
  kBoolean,
  kDate,
  kTimestamp,
  kTime,
  kInterval,
  kText,
  kError,      // #N/A and the like
  kNoResult,   // a formula that was never calculated
  kNoDate,     // a number that is to be a date, and is none
  kNoString,   // a shared string that does not exist
  kNoBoolean,  // neither 0 nor 1
  kUnknown,    // of a type that is not one of SpreadsheetML's
};

struct Cell {
  std::uint32_t column = 0;  // from 1
  CellKind kind = CellKind::kEmpty;
  Field field;  // the value; of what cannot be a field, what is written
};

struct SheetRow {
  std::uint32_t number = 0;  // from 1
  bool too_long = false;     // its values took more than limits.record_bytes: some are missing
  std::vector<Cell> cells;   // those that are not empty, as they stand in the file; their fields until the next row
};

class SheetRows final : private XmlReader {
 public:
  SheetRows(Archive& archive, const std::string& part, const Workbook& workbook, const Limits& limits);

  // False behind the last row. A row whose number is missing, or not above that of the row before, is the next one; a
  // cell whose place is missing is the next one of its row. Throws 22P04 for what is no row's or cell's place, 54000
  // for one behind kRows or kColumns, and what an XmlReader throws.
  bool next(SheetRow& row);

  static constexpr std::uint32_t kRows = 1048576;
  static constexpr std::uint32_t kColumns = 16384;

 private:
  static constexpr std::size_t kElsewhere = std::string::npos;
  enum class Type : unsigned char { kNumber, kShared, kString, kBoolean, kError, kIsoDate, kUnknown };

  void start(std::string_view name, Attributes attributes) override;
  void end(std::string_view name) override;
  void text(std::string_view piece) override;

  void start_row(Attributes attributes);
  void start_cell(Attributes attributes);
  void end_cell();
  CellKind take_value(Field& field);
  CellKind take_number();
  CellKind take_shared(Field& field);
  CellKind take_boolean();
  void set_value(std::string_view value) { text_.replace(value_at_, text_.npos, value); }
  std::string_view value() const { return std::string_view(text_).substr(value_at_); }

  const Workbook& workbook_;
  const std::size_t record_bytes_;
  SheetRow row_;
  std::string text_;                 // the row's values, with a NUL behind each
  std::vector<std::size_t> places_;  // of the cells in text_; kElsewhere for a shared string
  std::size_t row_bytes_ = 0;        // of its values, and of the shared strings that it names
  std::uint32_t column_ = 0;         // of the last cell
  bool in_data_ = false;
  bool in_row_ = false;
  bool in_cell_ = false;
  bool phonetic_ = false;
  // Of the cell.
  Type type_ = Type::kNumber;
  bool has_value_ = false;
  bool has_formula_ = false;
  NumberFormat format_ = NumberFormat::kNumber;
  std::size_t value_at_ = 0;
};

// The place of a cell as A1 has it: letters and digits, of which one kind may be missing (0 then). False if it is none.
struct CellPlace {
  std::uint32_t column = 0;
  std::uint32_t row = 0;
};
bool parse_place(std::string_view text, CellPlace& place);
// The letters of a column.
std::string column_letters(std::uint32_t column);

}  // namespace etl::file
