#include "file/xlsx_sheet.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace etl::file {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A cell's number is a double, which Excel writes with 17 digits and others with 16: 9.9499999999999993 is 9.95. The
// shortest text of that double, where there are more digits than a double always has.
void shorten(std::string& text) {
  constexpr std::size_t kSurely = 15;
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  double number;
  const char* const end = text.data() + text.size();
  if (static_cast<std::size_t>(digits) <= kSurely || std::from_chars(text.data(), end, number).ec != std::errc{})
    return;
  char shortest[32];
  text.assign(shortest, std::to_chars(shortest, shortest + sizeof shortest, number).ptr);
}

CellKind kind_of_number(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  std::int64_t whole;
  double real;
  const char* const end = text.data() + text.size();
  if (all_digits(digits) && std::from_chars(text.data(), end, whole).ec == std::errc{}) return CellKind::kInteger;
  const auto parsed = std::from_chars(text.data(), end, real);
  const bool finite = !digits.empty() && ((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.');
  return finite && parsed.ec != std::errc::invalid_argument && parsed.ptr == end ? CellKind::kNumber : CellKind::kText;
}

CellKind kind_of(NumberFormat format) {
  switch (format) {
    case NumberFormat::kDate:
      return CellKind::kDate;
    case NumberFormat::kTimestamp:
      return CellKind::kTimestamp;
    case NumberFormat::kTime:
      return CellKind::kTime;
    case NumberFormat::kInterval:
      return CellKind::kInterval;
    case NumberFormat::kNumber:
      break;
  }
  return CellKind::kNumber;
}

// Of a cell of ISO 8601: by what stands where.
CellKind kind_of_iso(std::string_view text) {
  const auto is = [&](std::size_t at, char c) { return text.size() > at && text[at] == c; };
  if (is(4, '-') && is(7, '-')) return text.size() == 10 ? CellKind::kDate : CellKind::kTimestamp;
  return is(2, ':') ? CellKind::kTime : CellKind::kText;
}

[[noreturn]] void refuse_place(std::string_view what, std::string_view text) {
  throw Error("22P04", "the sheet is damaged", "\"" + std::string(text) + "\" is no " + std::string(what) + ".");
}

[[noreturn]] void refuse_size() {
  throw Error("54000", "the sheet is too large",
              "A sheet has up to " + std::to_string(SheetRows::kRows) + " rows and " +
                  std::to_string(SheetRows::kColumns) + " columns.");
}

}  // namespace

bool parse_place(std::string_view text, CellPlace& place) {
  place = {};
  std::size_t at = 0;
  for (; at < text.size() && at < 4; ++at) {
    const char c = static_cast<char>(text[at] & ~0x20);
    if (c < 'A' || c > 'Z') break;
    place.column = place.column * 26 + static_cast<std::uint32_t>(c - 'A') + 1;
  }
  if (at == text.size()) return at > 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), place.row);
  return error == std::errc{} && end == text.data() + text.size() && place.row > 0;
}

std::string column_letters(std::uint32_t column) {
  std::string letters;
  for (; column > 0; column = (column - 1) / 26)
    letters.insert(letters.begin(), static_cast<char>('A' + (column - 1) % 26));
  return letters;
}

SheetRows::SheetRows(Archive& archive, const std::string& part, const Workbook& workbook, const Limits& limits)
    : XmlReader(archive.open(part)), workbook_(workbook), record_bytes_(limits.record_bytes) {}

bool SheetRows::next(SheetRow& row) {
  if (!run()) return false;
  std::swap(row, row_);
  row_.number = row.number;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] != kElsewhere) row.cells[i].field.text = text_.data() + places_[i];
  }
  return true;
}

void SheetRows::start(std::string_view name, Attributes attributes) {
  if (!in_data_) {
    in_data_ = name == "sheetData";
  } else if (!in_row_) {
    if (name == "row") start_row(attributes);
  } else if (!in_cell_) {
    if (name == "c") start_cell(attributes);
  } else if (name == "v") {
    has_value_ = true;
    want_text(true);
  } else if (name == "f") {
    has_formula_ = true;
  } else if (name == "is") {
    has_value_ = true;
  } else if (name == "rPh") {
    phonetic_ = true;
  } else if (name == "t" && !phonetic_) {
    want_text(true);
  }
}

void SheetRows::end(std::string_view name) {
  if (in_cell_) {
    if (name == "c") {
      end_cell();
    } else if (name == "rPh") {
      phonetic_ = false;
    } else {
      want_text(false);
    }
  } else if (name == "row" && in_row_) {
    in_row_ = false;
    pause();
  } else if (name == "sheetData") {
    in_data_ = false;
  }
}

void SheetRows::text(std::string_view piece) {
  row_bytes_ += piece.size();
  if (row_bytes_ > record_bytes_) {
    row_.too_long = true;
  } else {
    text_.append(piece);
  }
}

void SheetRows::start_row(Attributes attributes) {
  const std::uint32_t before = row_.number;
  CellPlace place;
  if (const char* const at = attributes.get("r"); at != nullptr && (!parse_place(at, place) || place.column > 0)) {
    refuse_place("row", at);
  }
  row_.number = std::max(place.row, before + 1);
  if (row_.number > kRows) refuse_size();
  row_.too_long = false;
  row_.cells.clear();
  places_.clear();
  text_.clear();
  column_ = 0;
  row_bytes_ = 0;
  in_row_ = true;
}

void SheetRows::start_cell(Attributes attributes) {
  in_cell_ = true;
  type_ = Type::kNumber;
  format_ = NumberFormat::kNumber;
  has_value_ = has_formula_ = false;
  value_at_ = text_.size();
  ++column_;
  for (const char** at = attributes.list; *at != nullptr; at += 2) {
    const std::string_view name(at[0]), value(at[1]);
    if (name == "r") {
      CellPlace place;
      if (!parse_place(value, place) || place.column == 0) refuse_place("cell", value);
      column_ = place.column;
    } else if (name == "s") {
      std::size_t style = 0;
      std::from_chars(value.data(), value.data() + value.size(), style);
      format_ = workbook_.format(style);
    } else if (name == "t") {
      type_ = value == "s"                             ? Type::kShared
              : value == "n"                           ? Type::kNumber
              : value == "str" || value == "inlineStr" ? Type::kString
              : value == "b"                           ? Type::kBoolean
              : value == "e"                           ? Type::kError
              : value == "d"                           ? Type::kIsoDate
                                                       : Type::kUnknown;
    }
  }
  if (column_ > kColumns) refuse_size();
}

CellKind SheetRows::take_number() {
  std::string written(trimmed(value()));
  if (written.empty()) return has_formula_ ? CellKind::kNoResult : CellKind::kEmpty;
  if (written.size() < value().size()) set_value(written);
  if (format_ == NumberFormat::kNumber) {
    const CellKind kind = kind_of_number(written);
    if (kind == CellKind::kNumber && written.find_first_of(".eE") != written.npos) {
      shorten(written);
      set_value(written);
    }
    return kind;
  }
  double days;
  const char* const end = written.data() + written.size();
  const auto parsed = std::from_chars(written.data(), end, days);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return CellKind::kNoDate;
  std::string date;
  if (!write_date(days, format_, workbook_.dates, date)) return CellKind::kNoDate;
  set_value(date);
  return kind_of(format_);
}

CellKind SheetRows::take_shared(Field& field) {
  const std::string_view written = trimmed(value());
  std::size_t number = 0;
  const char* const end = written.data() + written.size();
  const auto parsed = std::from_chars(written.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number >= workbook_.strings.size()) return CellKind::kNoString;
  field = workbook_.strings[number];
  row_bytes_ += field.size;
  row_.too_long |= row_bytes_ > record_bytes_;
  return field.size == 0 ? CellKind::kEmpty : CellKind::kText;
}

CellKind SheetRows::take_boolean() {
  const bool yes = trimmed(value()) == "1" || trimmed(value()) == "true";
  if (!yes && trimmed(value()) != "0" && trimmed(value()) != "false") return CellKind::kNoBoolean;
  set_value(yes ? "true" : "false");
  return CellKind::kBoolean;
}

CellKind SheetRows::take_value(Field& field) {
  if (!has_value_) return has_formula_ ? CellKind::kNoResult : CellKind::kEmpty;
  switch (type_) {
    case Type::kNumber:
      return take_number();
    case Type::kShared:
      return take_shared(field);
    case Type::kString:
      unescape(text_, value_at_);
      return value().empty() ? CellKind::kEmpty : CellKind::kText;
    case Type::kBoolean:
      return take_boolean();
    case Type::kError:
      return CellKind::kError;
    case Type::kIsoDate:
      if (value().size() > 10 && value()[10] == 'T') text_[value_at_ + 10] = ' ';
      return value().empty() ? CellKind::kEmpty : kind_of_iso(value());
    case Type::kUnknown:
      break;
  }
  return CellKind::kUnknown;
}

void SheetRows::end_cell() {
  in_cell_ = false;
  Cell cell;
  cell.column = column_;
  cell.kind = take_value(cell.field);
  const bool shared = cell.field.text != nullptr;
  if (cell.kind == CellKind::kEmpty || shared) text_.resize(value_at_);
  if (cell.kind == CellKind::kEmpty) return;
  // More only where a cell stands twice.
  if (row_.cells.size() >= kColumns) refuse_size();
  if (!shared) {
    cell.field.size = value().size();
    text_ += '\0';
  }
  places_.push_back(shared ? kElsewhere : value_at_);
  row_.cells.push_back(cell);
}

}  // namespace etl::file
