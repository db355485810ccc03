#include "sink/append_sink.hpp"

namespace etl::sink {

void AppendSink::open(pg::Relation& page) {
  insert_ = std::make_unique<pg::Statement>(compile::insert_sql(upsert_), std::vector<unsigned>{},
                                            std::vector{pg::NamedRelation{"input", &page}}, pg::Planning::kFree);
}

Written AppendSink::write(pg::Relation& page) {
  Written written;
  if (page.rows() > 0) written.inserted = insert_->modify().inserted;
  return written;
}

}  // namespace etl::sink
