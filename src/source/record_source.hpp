// The records of files as a source: one file after the other, in the order of their paths, typed by the columns' input
// functions. A position is (path, byte, line, fingerprint): behind that byte of that file, with all files before it
// read; without a fingerprint (file/fingerprint.hpp), which is of what was read of it, that file is read, too.
//
// A full run reads all files that match when it opens. An incremental one remembers each file (catalog/files.hpp): one
// that is as it was is passed over, one that has grown is read on, and one that is another under the same name is read
// anew. Memory: a page with its bad records, and a record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/files.hpp"
#include "source/record_format.hpp"
#include "source/record_typer.hpp"

namespace etl::source {

class RecordSource : public RecordPages {
 public:
  RecordSource(std::shared_ptr<const RecordFormat> format, OriginSpec spec);

  // 42501, 58P01 and what else file/directory.hpp says; 55000 when the file that a position is in is gone or another.
  void open() override;
  std::unique_ptr<pg::Relation> make_page(bool keep) const override;
  bool read(const std::optional<pg::Key>& after, pg::Relation& page) override;
  void read_all(pg::Relation& out) override;
  std::optional<pg::Key> reached(const pg::Relation&) const override { return reached_; }
  void again() override;
  const std::vector<BadRecord>& bad() const override { return typer_.bad(); }
  const std::vector<catalog::FileState>& files() const override { return touched_; }

  bool hides_null_keys(bool) const override { return false; }
  void read_null_keys(pg::Relation& page) override { page.clear(); }
  double rows_total() override;
  const char* phase() const override { return "files"; }
  std::string description() const override;
  std::string way() const override { return "files, one after the other"; }
  std::vector<std::string> explain() override { return {}; }

 private:
  bool fill(pg::Relation& page, std::uint64_t rows, std::size_t bad_bytes);
  bool go_to(const std::optional<pg::Key>& after);
  bool open_next();
  bool start_file(const std::string& path, file::Place from = {}, const std::string& print = {});
  bool skips(const file::File& file, file::Place& from) const;
  void note_place(bool finished);

  std::shared_ptr<const RecordFormat> format_;
  OriginSpec spec_;
  std::string directories_;  // of etl.data_directory
  std::vector<std::string> names_;
  std::vector<std::string> paths_;
  std::size_t next_ = 0;  // of paths_
  std::unique_ptr<file::RecordReader> reader_;
  file::File file_;  // that it reads
  std::optional<pg::Key> reached_;
  bool again_ = false;
  bool tail_ = false;  // what is at the file's end may still be written
  RecordTyper typer_;
  std::map<std::string, catalog::FileState> known_;   // incremental: with what the pages before this one have read
  std::map<std::string, catalog::FileState> before_;  // … without
  std::vector<catalog::FileState> touched_;           // by the page read last
};

}  // namespace etl::source
