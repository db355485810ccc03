// A SELECT as a source: read in key order, a page a batch, never LIMIT/OFFSET.
//
// Two ways, chosen when it is opened (internals.md 12):
//   paged    an index serves the order: each page is a query of its own with a fresh snapshot, so that no snapshot
//            outlives a batch, and a page costs the same at the end as at the beginning.
//   spilled  nothing serves the order (aggregate, join, function): the query runs once, its rows wait in key order in a
//            tuplestore (work_mem, then disk), and xmin is released with the first commit. A resume runs it again with
//            key > checkpoint.
// Without order columns all rows are one page, spilled too.
// In both, a row whose key stays is delivered once, and rows of one position stay together: a page may be longer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/page_source.hpp"
#include "source/sql_page.hpp"

namespace etl::source {

class SqlSource : public PageSource {
 public:
  explicit SqlSource(SqlSourceSpec spec);

  // No user function runs but what planning folds.
  void open() override;
  bool spills() const { return spills_; }
  bool read(const std::optional<pg::Key>& after, pg::Relation& page) override;
  void again() override { again_ = true; }
  const std::vector<BadRecord>& bad() const override { return no_records_; }
  const std::vector<catalog::FileState>& files() const override { return no_files_; }

  std::unique_ptr<pg::Relation> make_page(bool keep) const override;
  bool hides_null_keys(bool from_start) const override;
  void read_null_keys(pg::Relation& page) override;
  // Planner's guess, or the exact number once spilled.
  double rows_total() override;
  const char* phase() const override { return spills_ ? "spilled" : "paged"; }
  std::string description() const override { return first_->sql(); }
  std::string way() const override;
  std::vector<std::string> explain() override;

 private:
  std::unique_ptr<pg::Statement> prepare(bool after, std::uint64_t limit, bool keep_source_order) const;
  void fill_spill(const std::optional<pg::Key>& after);
  pg::Relation::Watch watch(const pg::Relation& relation) const;

  SqlSourceSpec spec_;
  std::vector<BadRecord> no_records_;
  std::vector<catalog::FileState> no_files_;
  bool spills_ = false;
  bool again_ = false;
  std::unique_ptr<pg::Statement> first_;  // the first page, or everything
  std::unique_ptr<pg::Statement> next_;   // pages after a key
  std::unique_ptr<pg::Relation> spill_;
  bool spill_filled_ = false;
};

}  // namespace etl::source
