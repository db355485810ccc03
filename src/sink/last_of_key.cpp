#include "sink/last_of_key.hpp"

#include "compile/upsert.hpp"

namespace etl::sink {

LastOfKey::LastOfKey(pg::Relation& page, std::vector<std::string> keys)
    : page_(page), keys_(std::move(keys)), reduced_(std::make_unique<pg::Relation>(page.columns(), false)) {}

pg::Relation& LastOfKey::reduce() {
  if (!page_.repeats_keys()) return page_;
  if (!statement_) {
    statement_ =
        std::make_unique<pg::Statement>(compile::last_of_each_key_sql(keys_), std::vector<unsigned>{},
                                        std::vector<pg::NamedRelation>{{"input", &page_}}, pg::Planning::kFree);
  }
  reduced_->clear();
  statement_->read(*reduced_);
  return *reduced_;
}

}  // namespace etl::sink
