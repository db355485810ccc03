// Source xlsx: see file/xlsx_reader.hpp.
#include "file/xlsx_reader.hpp"
#include "source/record_format.hpp"
#include "source/registry.hpp"

namespace etl::source {

namespace {

// A workbook with the descriptor that it is read through.
class XlsxFile : public file::RecordReader {
 public:
  XlsxFile(file::File file, const file::XlsxOptions& options, const file::Limits& limits, file::Place from)
      : file_(std::move(file)),
        reader_(std::make_unique<file::Archive>(file_.descriptor.get(), limits), options, limits, from) {}

  const std::vector<std::string>& columns() const override { return reader_.columns(); }
  file::Read next(file::Record& record) override { return reader_.next(record); }
  file::Place place() const override { return reader_.place(); }
  const std::vector<std::string>& types() const { return reader_.types(); }

 private:
  file::File file_;
  file::XlsxReader reader_;
};

class XlsxFormat : public RecordFormat {
 public:
  XlsxFormat(const json::Value& params, const file::Limits& limits) : RecordFormat(params, limits) {
    const auto sheet = params.FindMember("sheet");
    options_.header = json::flag_member(params, "header", true);
    if (sheet != params.MemberEnd()) {
      options_.sheet = sheet->value.IsString() ? std::string(json::text(sheet->value)) : json::write(sheet->value);
    }
    options_.range = json::text_member(params, "range").value_or("");
    want_order(params, options_.header);
  }

  std::unique_ptr<file::RecordReader> read(file::File file, const std::vector<std::string>& columns, file::Place from,
                                           bool) const override {
    file::XlsxOptions options = options_;
    options.columns = columns;
    return std::make_unique<XlsxFile>(std::move(file), options, limits_, from);
  }

  bool grows() const override { return false; }

 protected:
  std::vector<RecordColumn> infer(file::File file) const override {
    const XlsxFile reader(std::move(file), options_, limits_, {});
    std::vector<RecordColumn> columns;
    for (std::size_t i = 0; i < reader.columns().size(); ++i)
      columns.push_back({reader.columns()[i], reader.types()[i]});
    return columns;
  }

 private:
  file::XlsxOptions options_;
};

std::shared_ptr<const Origin> make_origin(const json::Value& params, const file::Limits& limits) {
  return std::make_shared<XlsxFormat>(params, limits);
}

}  // namespace

extern const Source kXlsx = {{"xlsx", model::Kind::kSource,
                              "The rows of a sheet of Excel workbooks; of a formula, the value that was stored with "
                              "it. Without columns, their types "
                              "are inferred from the first 1000 rows.",
                              R"({"type": "object", "properties": {)" ETL_FILE_PARAMS R"(,
    "sheet": {"type": ["string", "integer"], "description": "a sheet's name, or its number from 1; the first when absent"},
    "range": {"type": "string", "description": "cells, as B2:F100, B:F or 2:100; all when absent"},
    "header": {"type": "boolean", "description": "whether the first row names the columns; true when absent"}},
  "required": ["path"]})"},
                             nullptr,
                             make_origin};

}  // namespace etl::source
