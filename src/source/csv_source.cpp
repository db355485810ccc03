// Source csv: see file/csv.hpp for the format.
#include "file/byte_source.hpp"
#include "file/csv.hpp"
#include "file/infer.hpp"
#include "pg/text_rows.hpp"
#include "source/record_format.hpp"
#include "source/registry.hpp"

namespace etl::source {

namespace {

constexpr std::size_t kSample = 1000;  // records that types are inferred from

class CsvFormat : public RecordFormat {
 public:
  CsvFormat(const json::Value& params, const file::Limits& limits) : RecordFormat(params, limits) {
    options_.header = json::flag_member(params, "header", true);
    options_.delimiter = json::byte_member(params, "delimiter", ',');
    if (json::text_member(params, "quote") == "") {
      options_.quote.reset();
    } else {
      options_.quote = json::byte_member(params, "quote", '"');
    }
    options_.null = json::text_member(params, "null").value_or("");
    encoding_ = json::text_member(params, "encoding").value_or("UTF8");
    want_order(params, options_.header);
  }

  std::unique_ptr<file::RecordReader> read(file::File file, const std::vector<std::string>& columns, file::Place from,
                                           bool tail) const override {
    file::CsvOptions options = in_its_encoding();
    for (const std::string& name : columns) options.columns.push_back(pg::to_encoding(name, encoding_));
    options.tail = tail;
    return std::make_unique<file::CsvReader>(file::open_source(std::move(file), limits_), options, limits_, from);
  }

  bool grows() const override { return true; }

 protected:
  std::vector<RecordColumn> infer(file::File file) const override {
    file::CsvReader reader(file::open_source(std::move(file), limits_), in_its_encoding(), limits_);
    std::vector<file::ColumnType> types(reader.columns().size());
    file::Record record;
    for (std::size_t i = 0; i < kSample; ++i) {
      const file::Read read = reader.next(record);
      if (read == file::Read::kEnd) break;
      if (read == file::Read::kBad) continue;
      for (std::size_t c = 0; c < types.size(); ++c) types[c].add(record.fields[c]);
    }
    std::vector<RecordColumn> columns;
    for (std::size_t c = 0; c < types.size(); ++c) {
      columns.push_back({pg::from_encoding(reader.columns()[c], encoding_), std::string(types[c].type())});
    }
    return columns;
  }

 private:
  file::CsvOptions in_its_encoding() const {
    file::CsvOptions options = options_;
    options.null = pg::to_encoding(options.null, encoding_);
    return options;
  }

  file::CsvOptions options_;
};

std::shared_ptr<const Origin> make_origin(const json::Value& params, const file::Limits& limits) {
  return std::make_shared<CsvFormat>(params, limits);
}

}  // namespace

extern const Source kCsv = {{"csv", model::Kind::kSource,
                             "The records of CSV files (RFC 4180), also packed by gzip. Without columns, their types "
                             "are inferred from the first "
                             "1000 records.",
                             R"({"type": "object", "properties": {)" ETL_FILE_PARAMS R"(,
    "header": {"type": "boolean", "description": "whether the first record names the columns; true when absent"},
    "delimiter": {"type": "string", "pattern": "^[ -~\t]$", "description": "one character of ASCII; , when absent"},
    "quote": {"type": "string", "pattern": "^[!-~]?$", "description": "one character of ASCII, or none; \" when absent"},
    "null": {"type": "string", "description": "the unquoted text that is NULL; empty when absent"},
    "encoding": {"type": "string", "format": "encoding", "description": "a server encoding of PostgreSQL; UTF8 when absent"}},
  "required": ["path"]})"},
                            nullptr,
                            make_origin};

}  // namespace etl::source
