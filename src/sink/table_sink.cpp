#include "sink/table_sink.hpp"

namespace etl::sink {

TableSink::TableSink(compile::Upsert upsert, std::vector<std::string> keys, bool key_range, unsigned range_type)
    : upsert_(std::move(upsert)), keys_(std::move(keys)), key_range_(key_range), range_type_(range_type) {}

void TableSink::open(pg::Relation& page) {
  page_ = &page;
  last_of_key_ = std::make_unique<LastOfKey>(page, upsert_);
  for (auto& form : statements_) {
    for (auto& statement : form) statement.reset();
  }
  in_range_.reset();
  if (key_range_) {
    in_range_ =
        std::make_unique<pg::Statement>(compile::in_range_sql(upsert_, keys_[0]), std::vector{range_type_, range_type_},
                                        std::vector<pg::NamedRelation>{}, pg::Planning::kIndexProbe);
  }
  (void)statement(form(), false);
}

std::unique_ptr<pg::Statement> TableSink::prepare(Form form, const pg::NamedRelation& input) const {
  using pg::Planning;
  if (form == kMerge && key_range_) {
    return std::make_unique<pg::Statement>(compile::merge_sql(upsert_, keys_[0]), std::vector{range_type_, range_type_},
                                           std::vector{input}, Planning::kKeyRange);
  }
  const std::string sql = form == kInsert  ? compile::insert_sql(upsert_)
                          : form == kMerge ? compile::merge_sql(upsert_)
                                           : compile::on_conflict_sql(upsert_);
  return std::make_unique<pg::Statement>(sql, std::vector<unsigned>{}, std::vector{input}, Planning::kIndexProbe);
}

pg::Statement& TableSink::statement(Form form, bool reduced) {
  std::unique_ptr<pg::Statement>& wanted = statements_[form][reduced ? 1 : 0];
  if (!wanted) wanted = prepare(form, {"input", reduced ? &last_of_key_->reduced() : page_});
  return *wanted;
}

Written TableSink::write(pg::Relation& page) {
  Written written;
  const pg::Relation& last_ones = last_of_key_->reduce();
  const bool reduced = &last_ones != &page;
  written.superseded = page.rows() - last_ones.rows();
  Form quickest = form();
  pg::Key bounds;
  if (key_range_ && quickest == kMerge && page.rows() > 0) {
    bounds = {page.first_of_position(), page.last_position()->front()};
    if (!in_range_->finds_any(bounds)) {
      quickest = kInsert;
      bounds.clear();
    }
  }
  const pg::Modified modified = statement(quickest, reduced).modify(bounds);
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
