#include "file/csv.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "core/nearest.hpp"
#include "core/printable.hpp"
#include "file/utf8.hpp"

namespace etl::file {
namespace {

constexpr std::size_t kShown = 200;       // bytes of a name in a message
constexpr std::size_t kBeginning = 1000;  // of a record that is passed over

std::string quoted(std::string_view name) {
  return "\"" + printable(name, kShown) + "\"";
}

[[noreturn]] void refuse_option(const char* name, const char* detail) {
  throw Error("22023", std::string("option \"") + name + "\" of CSV is not valid", detail,
              "The usual ones are delimiter ',', quote '\"' and null ''.");
}

bool is_usable(char byte) {
  return byte > 0 && byte != '\n' && byte != '\r';
}

const CsvOptions& check_options(const CsvOptions& options, const Limits& limits) {
  if (!is_usable(options.delimiter)) refuse_option("delimiter", "It is not one byte of ASCII within a line.");
  if (options.quote && !is_usable(*options.quote)) refuse_option("quote", "It is not one byte of ASCII within a line.");
  if (options.quote == options.delimiter) refuse_option("quote", "It is the delimiter.");
  for (const char byte : options.null) {
    if (byte == '\0' || byte == '\n' || byte == '\r' || byte == options.delimiter || byte == options.quote) {
      refuse_option("null", "It contains the delimiter, the quote, a line end or a NUL byte.");
    }
  }
  std::vector<std::string> sorted = options.columns;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    throw Error("22023", "column " + quoted(*twice) + " is declared twice");
  }
  if (sorted.size() > limits.fields) throw Error("54011", "too many columns are declared");
  return options;
}

// "a", "b", …, as many as fit a message.
std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (text.size() > 5 * kShown) return text + ", …";
    text += (text.empty() ? "" : ", ") + quoted(name);
  }
  return text;
}

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= count; ++i) names.push_back("column" + std::to_string(i));
  return names;
}

// The value of a quoted cell: each doubled quote is one.
std::size_t undouble(char* text, std::size_t size, char quote) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size; ++i) {
    text[kept++] = text[i];
    if (text[i] == quote) ++i;
  }
  return kept;
}

}  // namespace

CsvReader::CsvReader(std::unique_ptr<ByteSource> source, CsvOptions options, const Limits& limits, const Place& start)
    : options_(check_options(options, limits)),
      limits_(limits),
      scanner_(std::move(source), {options_.delimiter, options_.quote, options_.tail, options_.chunk},
               limits.record_bytes, limits.fields),
      columns_(options_.columns) {
  if (options_.header || columns_.empty() || start.byte > 0) read_first();
  if (cell_of_column_.empty()) {
    wanted_ = columns_.size();
    cell_of_column_.resize(wanted_);
    std::iota(cell_of_column_.begin(), cell_of_column_.end(), std::size_t{0});
  }
  scanner_.go_to(start);
}

// Of it are known: the header or the number of columns, and what ends a line (for a start further behind).
void CsvReader::read_first() {
  const CsvScanner::Result result = scanner_.next();
  if (result == CsvScanner::Result::kEnd) return;
  const bool needed = options_.header || columns_.empty();
  if (result == CsvScanner::Result::kBad) {
    if (!needed) return;
    Error error = fault_error();
    error.context = "line " + std::to_string(scanner_.line()) + ", of which the columns are known";
    throw error;
  }
  if (needed && scanner_.count() > limits_.fields) {
    throw Error("54011", "file has too many columns",
                "It has " + std::to_string(scanner_.count()) + ", and at most " + std::to_string(limits_.fields) +
                    " are possible.");
  }
  if (options_.header) {
    match_columns(read_header());
  } else {
    if (columns_.empty()) columns_ = numbered(scanner_.count());
    scanner_.back();
  }
}

std::vector<std::string> CsvReader::read_header() {
  wanted_ = scanner_.count();
  cell_of_column_.resize(wanted_);
  std::iota(cell_of_column_.begin(), cell_of_column_.end(), std::size_t{0});
  std::vector<Field> fields;
  take_fields(fields);
  std::vector<std::string> names = numbered(wanted_);
  for (std::size_t i = 0; i < wanted_; ++i) {
    const std::string name = fields[i].text == nullptr ? options_.null : std::string(fields[i].text, fields[i].size);
    if (!name.empty()) names[i] = name;
  }
  return names;
}

void CsvReader::match_columns(const std::vector<std::string>& header) {
  std::unordered_map<std::string_view, std::size_t> position;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (position.emplace(header[i], i).second) continue;
    throw Error("22P04", "header has column " + quoted(header[i]) + " twice", "The header has " + list(header) + ".",
                "Give each column a name of its own, or read the file without its header.");
  }
  if (columns_.empty()) {
    columns_ = header;
    return;
  }
  cell_of_column_.clear();
  for (const std::string& name : columns_) {
    const auto found = position.find(name);
    if (found == position.end()) {
      throw Error("22P04", "header has no column " + quoted(name), "The header has " + list(header) + ".",
                  did_you_mean(name, {header.begin(), header.end()}));
    }
    cell_of_column_.push_back(found->second);
  }
}

Read CsvReader::next(Record& record) {
  const CsvScanner::Result result = scanner_.next();
  record.raw = scanner_.raw();
  record.line = scanner_.line();
  if (result == CsvScanner::Result::kLine && scanner_.count() == wanted_) {
    take_fields(record.fields);
    return Read::kRecord;
  }
  record.fields.clear();
  if (result == CsvScanner::Result::kEnd) {
    record.raw = {};
    return Read::kEnd;
  }
  record.error = result == CsvScanner::Result::kBad ? fault_error() : count_error();
  if (record.raw.size() >= limits_.record_bytes) record.raw = utf8_front(record.raw, kBeginning);
  return Read::kBad;
}

// The raw text is copied, and in the copy each field ends with a NUL byte where its delimiter or quote was.
void CsvReader::take_fields(std::vector<Field>& fields) {
  const std::string_view raw = scanner_.raw();
  if (text_size_ <= raw.size()) {
    text_size_ = std::min(2 * raw.size(), std::max(limits_.record_bytes, raw.size())) + 1;
    text_.reset();  // before the new one, of up to the limit, is there
    text_ = std::make_unique_for_overwrite<char[]>(text_size_);
  }
  char* const text = text_.get();
  std::memcpy(text, raw.data(), raw.size());
  fields.resize(cell_of_column_.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const CsvScanner::Cell& cell = scanner_.cells()[cell_of_column_[i]];
    char* const value = text + cell.begin;
    std::size_t size = cell.end - cell.begin;
    if (!cell.quoted && size == options_.null.size() && std::memcmp(value, options_.null.data(), size) == 0) {
      fields[i] = {};
      continue;
    }
    if (cell.doubled) size = undouble(value, size, *options_.quote);
    value[size] = '\0';
    fields[i] = {value, size};
  }
}

Error CsvReader::count_error() const {
  const std::size_t count = scanner_.count();
  return Error("22P04", "line has " + std::to_string(count) + (count == 1 ? " field, " : " fields, ") +
                            std::to_string(wanted_) + " wanted");
}

Error CsvReader::fault_error() const {
  const std::string bytes = std::to_string(limits_.record_bytes);
  switch (scanner_.fault()) {
    case CsvScanner::Fault::kTooLong:
      return Error("54000", "line is too long", "It has more than " + bytes + " bytes.",
                   "Look at its quotes, or raise etl.max_record_size.");
    case CsvScanner::Fault::kUnclosed:
      return Error("22P04", "quote is not closed",
                   "No closing quote follows within " + bytes + " bytes or before the end of the file.",
                   "Write a quote within a quoted field twice. A longer field wants a higher etl.max_record_size.");
    case CsvScanner::Fault::kReturn:
      return Error("22P04", "unquoted carriage return found", {}, "Quote the field that contains it.");
    case CsvScanner::Fault::kFeed:
      return Error("22P04", "unquoted line feed found", "The lines of this file end with a carriage return.",
                   "Quote the field that contains it.");
    case CsvScanner::Fault::kNul:
      return Error("22P05", "line contains a NUL byte", {}, "A file in UTF-16 is to be converted to UTF-8 first.");
    default:
      return Error("22P04", "quote is misplaced",
                   "It stands within an unquoted field, or text follows a closing quote.",
                   "Quote the whole field, and write a quote within it twice.");
  }
}

}  // namespace etl::file
