#include "sink/function_sink.hpp"

namespace etl::sink {

void FunctionSink::open(pg::Relation& page) {
  statement_ = std::make_unique<pg::Statement>(call_, std::vector<unsigned>{},
                                               std::vector{pg::NamedRelation{"input", &page}}, pg::Planning::kFree);
}

Written FunctionSink::write(pg::Relation& page) {
  Written written;
  if (page.rows() == 0) return written;
  pg::Relation answer(statement_->columns(), false);
  answer.clear();
  statement_->read(answer);
  written.inserted = page.rows();
  return written;
}

}  // namespace etl::sink
