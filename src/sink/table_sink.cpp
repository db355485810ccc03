#include "sink/table_sink.hpp"

namespace etl::sink {

TableSink::TableSink(compile::Upsert upsert, std::vector<std::string> keys, bool key_range, unsigned range_type)
    : upsert_(std::move(upsert)), keys_(std::move(keys)), key_range_(key_range), range_type_(range_type) {}

void TableSink::open(pg::Relation& page) {
  page_ = &page;
  last_of_key_ = std::make_unique<LastOfKey>(page, keys_);
  for (auto& form : statements_) {
    for (auto& statement : form) statement.reset();
  }
  (void)statement(false);
}

pg::Statement& TableSink::statement(bool reduced) {
  std::unique_ptr<pg::Statement>& wanted = statements_[on_conflict_ ? kOnConflict : kMerge][reduced ? 1 : 0];
  if (wanted) return *wanted;
  const std::vector<pg::NamedRelation> input = {{"input", reduced ? &last_of_key_->reduced() : page_}};
  if (on_conflict_) {
    wanted = std::make_unique<pg::Statement>(compile::on_conflict_sql(upsert_), std::vector<unsigned>{}, input,
                                             pg::Planning::kIndexProbe);
  } else if (key_range_) {
    wanted = std::make_unique<pg::Statement>(compile::merge_sql(upsert_, keys_[0]),
                                             std::vector<unsigned>{range_type_, range_type_}, input,
                                             pg::Planning::kKeyRange);
  } else {
    wanted = std::make_unique<pg::Statement>(compile::merge_sql(upsert_), std::vector<unsigned>{}, input,
                                             pg::Planning::kIndexProbe);
  }
  return *wanted;
}

Written TableSink::write(pg::Relation& page) {
  Written written;
  const pg::Relation& last_ones = last_of_key_->reduce();
  const bool reduced = &last_ones != &page;
  written.superseded = page.rows() - last_ones.rows();
  pg::Key bounds;
  if (key_range_ && !on_conflict_ && page.rows() > 0) {
    bounds = {page.first_of_position(), page.last_position()->front()};
  }
  const pg::Modified modified = statement(reduced).modify(bounds);
  written.inserted = modified.inserted;
  written.updated = modified.updated;
  written.unchanged = last_ones.rows() - modified.inserted - modified.updated;
  return written;
}

bool TableSink::use_on_conflict() {
  if (on_conflict_) return false;
  on_conflict_ = true;
  return true;
}

}  // namespace etl::sink
