#include "sink/last_of_key.hpp"

namespace etl::sink {

LastOfKey::LastOfKey(pg::Relation& page, const compile::Upsert& upsert)
    : page_(page), upsert_(upsert), reduced_(std::make_unique<pg::Relation>(page.columns(), false)) {}

pg::Relation& LastOfKey::reduce() {
  if (!may_reduce()) return page_;
  if (!statement_) {
    statement_ =
        std::make_unique<pg::Statement>(compile::last_of_each_key_sql(upsert_), std::vector<unsigned>{},
                                        std::vector<pg::NamedRelation>{{"input", &page_}}, pg::Planning::kFree);
  }
  reduced_->clear();
  statement_->read(*reduced_);
  return *reduced_;
}

}  // namespace etl::sink
