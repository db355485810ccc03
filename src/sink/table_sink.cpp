#include "sink/table_sink.hpp"

namespace etl::sink {

TableSink::TableSink(compile::Upsert upsert, std::vector<std::string> keys)
    : upsert_(std::move(upsert)), keys_(std::move(keys)) {}

void TableSink::open(pg::Relation& page) {
  page_ = &page;
  reduced_ = std::make_unique<pg::Relation>(page.columns(), false);
  merge_ = std::make_unique<pg::Statement>(compile::merge_sql(upsert_), std::vector<unsigned>{},
                                           std::vector<pg::NamedRelation>{{"input", page_}}, pg::Planning::kIndexProbe);
  merge_reduced_.reset();
  insert_.reset();
  insert_reduced_.reset();
  last_ones_.reset();
}

pg::Statement& TableSink::statement(bool reduced) {
  std::unique_ptr<pg::Statement>& wanted =
      on_conflict_ ? (reduced ? insert_reduced_ : insert_) : (reduced ? merge_reduced_ : merge_);
  if (!wanted) {
    pg::Relation* input = reduced ? reduced_.get() : page_;
    wanted = std::make_unique<pg::Statement>(
        on_conflict_ ? compile::on_conflict_sql(upsert_) : compile::merge_sql(upsert_), std::vector<unsigned>{},
        std::vector<pg::NamedRelation>{{"input", input}}, pg::Planning::kIndexProbe);
  }
  return *wanted;
}

Written TableSink::write(pg::Relation& page) {
  Written written;
  std::uint64_t rows = page.rows();
  const bool reduce = page.repeats_keys();
  if (reduce) {
    if (!last_ones_) {
      last_ones_ = std::make_unique<pg::Statement>(compile::last_of_each_key_sql(keys_), std::vector<unsigned>{},
                                                   std::vector<pg::NamedRelation>{{"input", page_}}, pg::Planning::kFree);
    }
    reduced_->clear();
    last_ones_->read(*reduced_);
    written.superseded = rows - reduced_->rows();
    rows = reduced_->rows();
  }
  const pg::Modified modified = statement(reduce).modify();
  written.inserted = modified.inserted;
  written.updated = modified.updated;
  written.unchanged = rows - modified.inserted - modified.updated;
  return written;
}

bool TableSink::use_on_conflict() {
  if (on_conflict_) return false;
  on_conflict_ = true;
  return true;
}

}  // namespace etl::sink
