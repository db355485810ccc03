// Any bytes as a workbook: as the archive itself, and as the XML of a sheet, of shared strings and of styles in an
// archive that is whole. Every record has its columns and its fields end with a NUL; a second reader delivers the same;
// one that starts at a place() delivers the rest.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "file/xlsx_reader.hpp"
#include "unit/xlsx_file.hpp"

namespace {

using etl::file::Archive;
using etl::file::Limits;
using etl::file::Parts;
using etl::file::Place;
using etl::file::Read;
using etl::file::Record;
using etl::file::XlsxOptions;
using etl::file::XlsxReader;

void require(bool holds) {
  if (!holds) abort();
}

Limits small_limits() {
  Limits limits;
  limits.record_bytes = 4096;
  limits.fields = 100;
  limits.archive_bytes = 4u << 20;
  return limits;
}

// The records, up to `most` of them; an error that ends the file ends with its SQLSTATE.
std::string digest(XlsxReader& reader, std::size_t most) {
  std::string all;
  try {
    Record record;
    for (std::size_t i = 0; i < most; ++i) {
      const Read outcome = reader.next(record);
      if (outcome == Read::kEnd) return all;
      if (outcome == Read::kBad) require(record.error.sqlstate.size() == 5 && !record.error.message.empty());
      if (outcome == Read::kRecord) require(record.fields.size() == reader.columns().size());
      for (const auto& field : record.fields) {
        require(field.text == nullptr || (field.size > 0 && field.text[field.size] == '\0'));
        require(field.text == nullptr || std::string_view(field.text, field.size).find('\0') == std::string_view::npos);
      }
      require(record.line == reader.place().line && record.line >= 1 && record.line <= 1048576);
      require(record.raw.starts_with('[') && record.raw.ends_with(']'));
      all.append(outcome == Read::kRecord ? "ok " : record.error.sqlstate + " ").append(record.raw);
      all += "\n" + std::to_string(record.line) + "\n";
    }
  } catch (const etl::Error& error) {
    require(error.sqlstate.size() == 5 && !error.message.empty());
    all += error.sqlstate;
  }
  return all;
}

void run(std::string_view archive, const XlsxOptions& options, std::size_t head_rows) {
  const Limits limits = small_limits();
  const auto open = [&](Place from) {
    return XlsxReader(std::make_unique<Archive>(archive, limits), options, limits, from);
  };
  try {
    XlsxReader whole = open({});
    require(whole.columns().size() <= limits.fields);
    require(whole.types().empty() || whole.types().size() == whole.columns().size());
    const std::string all = digest(whole, SIZE_MAX);
    XlsxReader again = open({});
    const std::string head = digest(again, head_rows);
    require(all.starts_with(head));
    if (all == head) return;
    XlsxReader rest = open(again.place());
    require(head + digest(rest, SIZE_MAX) == all);
  } catch (const etl::Error& error) {
    require(error.sqlstate.size() == 5 && !error.message.empty());
  }
}

}  // namespace

// The first byte says what the rest is, and how the sheet is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  XlsxOptions options;
  options.header = (data[0] & 4) != 0;
  options.sample = 1 + data[0] / 32;
  if ((data[0] & 8) != 0) options.range = "B2:D";
  if ((data[0] & 16) != 0) options.columns = {"a", "b", "c"};
  if ((data[0] & 3) == 0) {
    run(bytes, options, 2);
    return 0;
  }
  etl::file::TestBook book;
  book.rows = R"(<row><c t="s"><v>0</v></c><c s="1"><v>45322.5</v></c><c s="5"><v>1.5</v></c></row>)";
  book.strings = "<si><t>a</t></si>";
  Parts parts = book.parts();
  const char* const kParts[] = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"};
  parts[kParts[(data[0] & 3) - 1]] = bytes;
  run(etl::file::zip_of(parts, false), options, 2);
  return 0;
}
