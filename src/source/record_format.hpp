// A format of files: what a step's params say about it. One file of src/source/ and one line of registry.cpp each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "file/directory.hpp"
#include "file/record.hpp"

namespace etl::source {

struct RecordColumn {
  std::string name;
  std::string type;  // as SQL
};

class RecordFormat {
 public:
  virtual ~RecordFormat() = default;

  // Those that params declare; without, those that the file shows.
  std::vector<RecordColumn> columns(file::File file) const;
  // A reader of these columns, behind `from`. tail: a last record that may still be written is left for later.
  virtual std::unique_ptr<file::RecordReader> open(file::File file, const std::vector<std::string>& columns,
                                                   file::Place from, bool tail) const = 0;
  // A file may get records at its end, so that what is read stays where it is.
  virtual bool grows() const = 0;
  const std::string& encoding() const { return encoding_; }
  const std::string& pattern() const { return pattern_; }

 protected:
  // Reads what all formats have: path and columns.
  RecordFormat(const json::Value& params, const file::Limits& limits);

  // Error 22023 for columns by position whose order params do not say.
  void want_order(const json::Value& params, bool header) const;
  virtual std::vector<RecordColumn> infer(file::File file) const = 0;

  std::string pattern_;
  std::string encoding_ = "UTF8";
  std::vector<RecordColumn> declared_;
  file::Limits limits_;
};

// The schema of params `path` and `columns`.
#define ETL_FILE_PARAMS                                                                                     \
  R"("path": {"type": "string", "minLength": 1, "description": "a path beneath a directory of )"            \
  R"(etl.data_directory, with the wildcards * ? [] within its parts"}, )"                                   \
  R"("columns": {"anyOf": [{"type": "object", "minProperties": 1, "additionalProperties": )"                \
  R"({"type": "string", "format": "type"}}, {"type": "array", "minItems": 1, "items": {"type": "object", )" \
  R"("required": ["name", "type"], "properties": {"name": {"type": "string"}, "type": {"type": "string", )" \
  R"("format": "type"}}}}], "description": "an object {name: type}, or in an order )"                       \
  R"([{\"name\": name, \"type\": type}]; what the file shows when absent"})"

}  // namespace etl::source
