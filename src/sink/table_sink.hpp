// Upserts a batch into a table of this database, in the batch's transaction.
//
// MERGE is the quick form: the rows of the target are found by one index range scan where the batch comes in key order,
// otherwise by index probe. Where such a range holds nothing, the batch is inserted without a join. After a batch of
// which most rows were the same in the target, a SELECT picks the changed ones first. None of this is safe against a
// concurrent insert of the same key: then it fails with 23505, the caller rolls back, calls use_on_conflict() and runs
// the batch once more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compile/upsert.hpp"
#include "pg/relation.hpp"
#include "pg/statement.hpp"
#include "sink/last_of_key.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

class TableSink : public PageSink {
 public:
  // key_range: pages are sorted by the keys, whose first column is of type range_type in source and target.
  TableSink(compile::Upsert upsert, std::vector<std::string> keys, bool key_range = false, unsigned range_type = 0);

  void open(pg::Relation& page) override;
  Written write(pg::Relation& page) override;
  bool has_versions() const override { return last_of_key_->may_reduce(); }
  // The next write uses ON CONFLICT; false when it did already.
  bool use_on_conflict() override;
  void use_merge() override { on_conflict_ = false; }

  std::vector<std::string> explain() override { return statement(form(), kPage).explain(); }
  const std::string& sql() override { return statement(form(), kPage).sql(); }

 private:
  enum Form { kInsert, kMerge, kProbe, kOnConflict, kChanged, kForms };
  enum Input { kPage, kLastOfKeys, kChangedRows, kInputs };

  Form form() const { return on_conflict_ ? kOnConflict : key_range_ ? kMerge : kProbe; }
  pg::Statement& statement(Form form, Input input);
  std::unique_ptr<pg::Statement> prepare(Form form, const pg::NamedRelation& input) const;
  pg::Modified write_rows(Input input);

  compile::Upsert upsert_;
  std::vector<std::string> keys_;
  bool key_range_;
  unsigned range_type_;
  bool on_conflict_ = false;
  pg::Relation* page_ = nullptr;
  std::unique_ptr<LastOfKey> last_of_key_;
  std::unique_ptr<pg::Relation> changed_;
  bool mostly_unchanged_ = false;            // the last batch was
  std::unique_ptr<pg::Statement> in_range_;  // finds a row of the target between two keys
  std::unique_ptr<pg::Statement> statements_[kForms][kInputs];
};

}  // namespace etl::sink
