// Writes all rows of a run into a file: under a temporary name, and renamed just before the run's one transaction
// commits. A crash in between leaves the whole new file, and a run that is done again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "file/output_file.hpp"
#include "file/writer.hpp"
#include "pg/row_values.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

enum class FileKind { kCsv, kJson, kXlsx, kParquet };

// What params of operator file say.
struct FileTarget {
  std::string path;
  FileKind kind = FileKind::kCsv;
  std::string params;  // JSON
};

// Error 22023: a param of another format.
FileTarget read_file_target(const json::Value& params);

class FileSink : public PageSink {
 public:
  // directories: of etl.data_directory, that the owner may write. quarantine: rows that the format cannot hold are
  // dead.
  FileSink(FileTarget target, std::string directories, bool quarantine);
  ~FileSink() override;

  // 0A000: pg_etl was built without the format.
  void open(pg::Relation& page) override;
  Written write(pg::Relation& page) override;
  const std::vector<LeftOut>& left_out() const override { return left_out_; }
  bool leaves_out() const override { return true; }
  void publish() override;
  std::string figures() const override;

  std::vector<std::string> explain() override { return {}; }
  const std::string& sql() override { return target_.path; }

 private:
  void discard();

  FileTarget target_;
  std::string directories_;
  bool quarantine_;
  std::vector<file::WriterColumn> columns_;
  std::unique_ptr<file::OutputFile> file_;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<LeftOut> left_out_;
};

}  // namespace etl::sink
