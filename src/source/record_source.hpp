// The records of files as a source: one file after the other, in the order of their paths, typed by the columns' input
// functions. A position is (path, byte, line): behind that byte of that file, with all files before it read.
//
// A full run reads all files that match when it opens. An incremental one remembers each file (catalog/files.hpp): one
// that is as it was is passed over, one that has grown is read on, and one that is another under the same name is read
// anew. Memory: a page, and a record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/files.hpp"
#include "pg/text_rows.hpp"
#include "source/page_source.hpp"
#include "source/record_format.hpp"

namespace etl::source {

struct RecordSpec {
  std::string step;
  std::shared_ptr<const RecordFormat> format;
  std::string directories;  // the value of etl.data_directory
  std::vector<pg::Column> columns;
  std::uint64_t page_rows = 5000;
  bool quarantine = false;
  bool incremental = false;
  std::int64_t settle_ms = 0;  // incremental: a file that was changed less long ago may still be written
  std::int64_t pipeline = 0;
};

class RecordSource : public PageSource {
 public:
  explicit RecordSource(RecordSpec spec);

  // 42501, 58P01 and what else file/directory.hpp says; 55000 when a file that a position is in is shorter than that.
  void open() override;
  std::unique_ptr<pg::Relation> make_page(bool keep) const override;
  bool read(const std::optional<pg::Key>& after, pg::Relation& page) override;
  // All rows of all files.
  void read_all(pg::Relation& out);
  std::optional<pg::Key> reached(const pg::Relation&) const override { return reached_; }
  void again() override;
  const std::vector<BadRecord>& bad() const override { return bad_; }
  const std::vector<catalog::FileState>& files() const override { return touched_; }

  bool hides_null_keys(bool) const override { return false; }
  void read_null_keys(pg::Relation& page) override { page.clear(); }
  double rows_total() override;
  const char* phase() const override { return "files"; }
  std::string description() const override;
  std::string way() const override { return "files, one after the other"; }
  std::vector<std::string> explain() override { return {}; }

 private:
  struct Pending {  // records that are not typed yet
    std::vector<pg::TextField> fields;
    std::vector<std::size_t> raw_at;  // of each record, in `text`
    std::vector<std::size_t> raw_size;
    std::vector<std::uint64_t> lines;
    std::vector<char> text;
    std::vector<std::size_t> field_at;  // SIZE_MAX: NULL
    std::vector<std::size_t> field_size;
  };

  bool fill(pg::Relation& page, std::uint64_t rows);
  bool go_to(const std::optional<pg::Key>& after);
  bool open_next();
  bool start_file(const std::string& path, file::Place from);
  bool skips(const file::Identity& identity, file::Place& from) const;
  void note_place(bool finished);
  void take(const file::Record& record);
  void type_pending(pg::Relation& page);
  void refuse(const Error& error, std::string_view raw, std::uint64_t line);

  RecordSpec spec_;
  std::vector<std::string> names_;
  std::vector<std::string> paths_;
  std::size_t next_ = 0;  // of paths_
  std::unique_ptr<file::RecordReader> reader_;
  file::Identity identity_;  // of the file that it reads
  std::optional<pg::Key> reached_;
  bool again_ = false;
  bool tail_ = false;  // what is at the file's end may still be written
  Pending pending_;
  std::vector<BadRecord> bad_;
  std::map<std::string, catalog::FileState> known_;   // incremental: with what the pages before this one have read
  std::map<std::string, catalog::FileState> before_;  // … without
  std::vector<catalog::FileState> touched_;           // by the page read last
};

}  // namespace etl::source
