// Source json: see file/json_reader.hpp for the formats.
#include "core/member_path.hpp"
#include "file/byte_source.hpp"
#include "file/json_reader.hpp"
#include "source/record_format.hpp"
#include "source/registry.hpp"

namespace etl::source {

namespace {

class JsonFormat : public RecordFormat {
 public:
  JsonFormat(const json::Value& params, const file::Limits& limits) : RecordFormat(params, limits) {
    if (json::text_member(params, "format").value_or("ndjson") == "array") {
      options_.format = file::JsonOptions::Format::kArray;
    }
    const auto records = json::text_member(params, "records");
    if (records && options_.format != file::JsonOptions::Format::kArray) {
      throw Error("22023", "param \"records\" is for format \"array\" only", "A file of lines has no array.",
                  "Add \"format\": \"array\", or leave \"records\" out.");
    }
    if (records) options_.path = json::read_path(*records, "records");
  }

  std::unique_ptr<file::RecordReader> read(file::File file, const std::vector<std::string>& columns, file::Place from,
                                           bool tail) const override {
    file::JsonOptions options = options_;
    options.columns = columns;
    options.tail = tail;
    return std::make_unique<file::JsonReader>(file::open_source(std::move(file), limits_), options, limits_, from);
  }

  bool grows() const override { return options_.format == file::JsonOptions::Format::kNdjson; }

 protected:
  std::vector<RecordColumn> infer(file::File file) const override {
    const file::JsonReader reader(file::open_source(std::move(file), limits_), options_, limits_);
    std::vector<RecordColumn> columns;
    for (std::size_t i = 0; i < reader.columns().size(); ++i)
      columns.push_back({reader.columns()[i], reader.types()[i]});
    return columns;
  }

 private:
  file::JsonOptions options_;
};

std::shared_ptr<const Origin> make_origin(const json::Value& params, const file::Limits& limits) {
  return std::make_shared<JsonFormat>(params, limits);
}

}  // namespace

extern const Source kJson = {
    {"json", model::Kind::kSource,
     "The objects of JSON files, one a line or those of an array, also packed by gzip; a member is a column. Without "
     "columns, they are the members of the first 1000 objects.",
     R"({"type": "object", "properties": {)" ETL_FILE_PARAMS R"(,
    "format": {"type": "string", "enum": ["ndjson", "array"],
               "description": "ndjson, an object a line, or array, one array of objects; ndjson when absent"},
    "records": {"type": "string", "minLength": 1, "description": "format array: the members that lead to the array, as data.items; the file is the array when absent"}},
  "required": ["path"]})"},
    nullptr,
    make_origin};

}  // namespace etl::source
