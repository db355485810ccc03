// A format of files: what a step's params say about it. One file of src/source/ and one line of registry.cpp each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "file/directory.hpp"
#include "source/origin.hpp"

namespace etl::source {

class RecordFormat : public Origin, public std::enable_shared_from_this<RecordFormat> {
 public:
  // Without columns in params the first file that there is shows them: 58P01 when there is none.
  std::vector<RecordColumn> columns() const override;
  std::vector<std::string> position_types() const override {
    return {"file text", "byte bigint", "line bigint", "fingerprint text"};
  }
  const char* checkpoint_kind() const override { return "file"; }
  std::unique_ptr<RecordPages> open(OriginSpec spec) const override;

  // A reader of these columns, behind `from`. tail: a last record that may still be written is left for later.
  virtual std::unique_ptr<file::RecordReader> read(file::File file, const std::vector<std::string>& columns,
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
#define ETL_FILE_PARAMS                                                                          \
  R"("path": {"type": "string", "minLength": 1, "description": "a path beneath a directory of )" \
  R"(etl.data_directory, with the wildcards * ? [] within its parts"}, )" ETL_COLUMNS_PARAM      \
  R"(; what the file shows when absent"})"

}  // namespace etl::source
