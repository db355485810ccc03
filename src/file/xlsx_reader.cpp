#include "file/xlsx_reader.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "file/utf8.hpp"

namespace etl::file {
namespace {

std::string quoted(const Cell& cell, std::uint32_t row) {
  return "cell \"" + column_letters(cell.column) + std::to_string(row) + "\"";
}

std::string shown(const Field& field) {
  constexpr std::size_t kShown = 100;
  if (field.size == 0) return "";
  return "It is \"" + std::string(utf8_front({field.text, field.size}, kShown)) + "\".";
}

// What a column's cells were, one bit a kind.
class Kinds {
 public:
  void add(CellKind kind) {
    if (kind <= CellKind::kText) seen_ |= bit(kind);
  }
  const char* type() const {
    if (is(bit(CellKind::kInteger))) return "bigint";
    if (is(bit(CellKind::kInteger) | bit(CellKind::kNumber))) return "numeric";
    if (is(bit(CellKind::kBoolean))) return "boolean";
    if (is(bit(CellKind::kDate))) return "date";
    if (is(bit(CellKind::kDate) | bit(CellKind::kTimestamp))) return "timestamp without time zone";
    if (is(bit(CellKind::kTime))) return "time without time zone";
    if (is(bit(CellKind::kInterval))) return "interval";
    return "text";
  }

 private:
  static unsigned bit(CellKind kind) { return 1u << static_cast<unsigned>(kind); }
  bool is(unsigned kinds) const { return seen_ != 0 && (seen_ & ~kinds) == 0; }
  unsigned seen_ = 0;
};

void append_json(std::string& out, const Field& field) {
  constexpr char kHex[] = "0123456789abcdef";
  if (field.text == nullptr) {
    out += "null";
    return;
  }
  out += '"';
  for (const char* at = field.text; at != field.text + field.size; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c == '"' || c == '\\') {
      out += {'\\', *at};
    } else if (c < 0x20) {
      out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      out += *at;
    }
  }
  out += '"';
}

}  // namespace

XlsxReader::Range XlsxReader::parse_range(const std::string& text) {
  Range range;
  if (text.empty()) return range;
  std::string plain;
  std::copy_if(text.begin(), text.end(), std::back_inserter(plain), [](char c) { return c != '$'; });
  const std::size_t colon = plain.find(':');
  CellPlace first, last;
  const bool valid = colon != plain.npos && parse_place(std::string_view(plain).substr(0, colon), first) &&
                     parse_place(std::string_view(plain).substr(colon + 1), last) &&
                     (first.column == 0) == (last.column == 0) && first.column <= last.column &&
                     (last.row == 0 || first.row <= last.row) && last.column <= SheetRows::kColumns &&
                     std::max(first.row, last.row) <= SheetRows::kRows;
  if (!valid) {
    throw Error("22023", "\"" + text + "\" is not a range of a sheet", "",
                "Write the first and the last cell, column or row, as B2:F100, B:F or 2:100.");
  }
  range.first_column = first.column;
  range.last_column = last.column;
  range.first_row = first.row;
  if (last.row > 0) range.last_row = last.row;
  return range;
}

XlsxReader::XlsxReader(std::unique_ptr<Archive> archive, XlsxOptions options, const Limits& limits, Place from)
    : archive_(std::move(archive)),
      options_(std::move(options)),
      limits_(limits),
      workbook_(*archive_, limits),
      range_(parse_range(options_.range)),
      has_columns_(range_.first_column > 0),
      is_open_(!has_columns_) {
  const std::string& part = workbook_.sheet(options_.sheet).part;
  const auto open = [&] { rows_ = std::make_unique<SheetRows>(*archive_, part, workbook_, limits_); };
  open();
  if (range_.first_row > 0) skip_ = range_.first_row - 1;
  if (options_.header) {
    read_header();
  } else if (has_columns_ || !options_.columns.empty()) {
    set_positions(has_columns_ ? range_.last_column - range_.first_column + 1 : options_.columns.size());
  }
  if (options_.columns.empty()) take_sample();
  if (columns_.size() > limits_.fields) {
    throw Error(
        "54011", "the sheet has too many columns",
        "It has " + std::to_string(columns_.size()) + "; up to " + std::to_string(limits_.fields) + " are read.",
        "Give a range, or name the columns that are wanted.");
  }
  open();
  row_ = {};
  over_ = false;
  place_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(from.line, SheetRows::kRows));
  skip_ = std::max(skip_, place_);
}

bool XlsxReader::is_in_range(const Cell& cell) const {
  return is_open_ || (cell.column >= range_.first_column && cell.column <= range_.last_column);
}

// The next row of the range with a value that counts: beside columns that a range has not fixed, any does.
bool XlsxReader::next_row() {
  while (!over_) {
    over_ = !rows_->next(row_) || row_.number > range_.last_row;
    if (over_ || row_.number <= skip_) continue;
    if (row_.too_long) return true;
    const auto counts = [&](const Cell& cell) { return !has_columns_ || is_in_range(cell); };
    if (std::any_of(row_.cells.begin(), row_.cells.end(), counts)) return true;
  }
  return false;
}

void XlsxReader::read_header() {
  if (!next_row()) {
    columns_ = options_.columns;
    return;
  }
  skip_ = row_.number;
  if (row_.too_long) {
    throw Error("54000", "the header is too long",
                "More than " + std::to_string(limits_.record_bytes) + " bytes were found.",
                "Raise etl.max_record_size.");
  }
  const bool blank = range_.first_row > 0 && row_.number > range_.first_row;
  if (!has_columns_) {
    const auto [first, last] = std::minmax_element(row_.cells.begin(), row_.cells.end(),
                                                   [](const Cell& a, const Cell& b) { return a.column < b.column; });
    range_.first_column = first->column;
    range_.last_column = last->column;
    is_open_ = false;
  }
  std::vector<std::string> header(range_.last_column - range_.first_column + 1);
  for (const Cell& cell : row_.cells) {
    if (blank || !is_in_range(cell)) continue;
    if (cell.kind > CellKind::kText) {
      throw Error("22P04", quoted(cell, row_.number) + " of the header is not a name", shown(cell.field));
    }
    header[index_of(cell)].assign(cell.field.text, cell.field.size);
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string letters = column_letters(range_.first_column + static_cast<std::uint32_t>(i));
    if (header[i].find_first_not_of(" \t\r\n") == std::string::npos) {
      throw Error("22P04", "column " + letters + " has no name in the header", "",
                  "Write a name into each cell of the range's first row, or set header to false.");
    }
    const auto [other, is_new] = seen.emplace(header[i], i);
    if (!is_new) {
      throw Error("22P04", "column name \"" + header[i] + "\" is in the header twice",
                  "It stands in columns " +
                      column_letters(range_.first_column + static_cast<std::uint32_t>(other->second)) + " and " +
                      letters + ".");
    }
  }
  match_names(header);
}

void XlsxReader::match_names(const std::vector<std::string>& header) {
  columns_ = options_.columns.empty() ? header : options_.columns;
  field_of_.assign(header.size(), -1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto found = std::find(header.begin(), header.end(), columns_[i]);
    if (found == header.end()) {
      std::string names;
      constexpr std::size_t kNamed = 20;
      for (std::size_t k = 0; k < std::min(header.size(), kNamed); ++k) {
        names += (k == 0 ? "\"" : ", \"") + header[k] + "\"";
      }
      throw Error("22P04", "the sheet has no column \"" + columns_[i] + "\"",
                  "Its header has " + names + (header.size() > kNamed ? ", …." : "."));
    }
    int& field = field_of_[static_cast<std::size_t>(found - header.begin())];
    if (field >= 0) throw Error("42701", "column \"" + columns_[i] + "\" is named twice", "", "Name each column once.");
    field = static_cast<int>(i);
  }
}

// Without a header: the columns of the range, or from A on.
void XlsxReader::set_positions(std::size_t columns) {
  if (!has_columns_) {
    range_.first_column = 1;
    range_.last_column = static_cast<std::uint32_t>(columns);
    is_open_ = false;
  }
  columns_ = options_.columns;
  if (!columns_.empty() && columns_.size() != columns) {
    throw Error("22023", "the range has " + std::to_string(columns) + " columns",
                std::to_string(columns_.size()) + " columns are named.", "Name each column of the range.");
  }
  for (std::size_t i = columns_.size(); i < columns; ++i) columns_.push_back("column" + std::to_string(i + 1));
  field_of_.resize(columns);
  for (std::size_t i = 0; i < columns; ++i) field_of_[i] = static_cast<int>(i);
}

void XlsxReader::take_sample() {
  std::vector<Kinds> kinds(columns_.size());
  if (is_open_) range_.first_column = 1;
  for (std::size_t i = 0; i < options_.sample && next_row(); ++i) {
    for (const Cell& cell : row_.cells) {
      if (!is_in_range(cell)) continue;
      if (index_of(cell) >= kinds.size()) kinds.resize(index_of(cell) + 1);
      kinds[index_of(cell)].add(cell.kind);
    }
  }
  if (is_open_) set_positions(kinds.size());
  for (const Kinds& column : kinds) types_.emplace_back(column.type());
}

bool XlsxReader::judge(const Cell& cell, Error& error) const {
  const auto bad = [&](const char* state, const char* what, const char* hint) {
    error = Error(state, quoted(cell, row_.number) + what, shown(cell.field), hint);
    return false;
  };
  switch (cell.kind) {
    case CellKind::kError:
      return bad("22P02", " holds an error", "Correct the cell, and save the workbook.");
    case CellKind::kNoResult:
      return bad("22P02", " holds a formula without a value",
                 "Open the workbook in a spreadsheet program, so that it is calculated, and save it.");
    case CellKind::kNoDate:
      return bad("22008", " holds a number that is not a date", "Correct the cell, or its format.");
    case CellKind::kNoString:
      return bad("22P02", " refers to a string that does not exist", "");
    case CellKind::kNoBoolean:
      return bad("22P02", " is neither true nor false", "");
    case CellKind::kUnknown:
      return bad("22P02", " has an unknown type", "");
    default:
      return true;
  }
}

// The row's cells in the order of the range's columns; false at the first one that makes the record a bad one.
bool XlsxReader::place_cells(Record& record) {
  values_.assign(field_of_.size(), Field{});
  bool good = true;
  for (const Cell& cell : row_.cells) {
    if (!is_in_range(cell)) {
      if (!has_columns_ && good) {
        record.error = Error("22P04", quoted(cell, row_.number) + " is beside the columns", shown(cell.field),
                             "Write a name above it, or give a range.");
        good = false;
      }
      continue;
    }
    const std::size_t index = index_of(cell);
    values_[index] = cell.field;
    if (good && field_of_[index] >= 0) good = judge(cell, record.error);
  }
  return good;
}

void XlsxReader::write_raw() {
  raw_ = "[";
  for (const Field& value : values_) {
    if (raw_.size() > 1) raw_ += ',';
    append_json(raw_, value);
  }
  raw_ += ']';
}

Read XlsxReader::next(Record& record) {
  record.fields.clear();
  record.raw = {};
  if (!next_row()) return Read::kEnd;
  place_ = row_.number;
  record.line = row_.number;
  bool good = place_cells(record);
  if (row_.too_long) {
    record.error =
        Error("54000", "a record is too long",
              "More than " + std::to_string(limits_.record_bytes) + " bytes were found.", "Raise etl.max_record_size.");
    good = false;
  }
  write_raw();
  record.raw = raw_;
  if (!good) return Read::kBad;
  record.fields.resize(columns_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (field_of_[i] >= 0) record.fields[static_cast<std::size_t>(field_of_[i])] = values_[i];
  }
  return Read::kRecord;
}

}  // namespace etl::file
