#include "sink/history_sink.hpp"

namespace etl::sink {

HistorySink::Statements HistorySink::prepare(pg::Relation& input) const {
  const auto statement = [&](const std::string& sql) {
    return std::make_unique<pg::Statement>(sql, std::vector<unsigned>{},
                                           std::vector{pg::NamedRelation{"input", &input}}, pg::Planning::kIndexProbe);
  };
  return {statement(compile::end_versions_sql(history_)), statement(compile::begin_versions_sql(history_))};
}

void HistorySink::open(pg::Relation& page) {
  last_of_key_ = std::make_unique<LastOfKey>(page, history_.upsert);
  of_last_ = {};
  of_page_ = prepare(page);
}

Written HistorySink::write(pg::Relation& page) {
  Written written;
  pg::Relation& last_ones = last_of_key_->reduce();
  written.superseded = page.rows() - last_ones.rows();
  if (last_ones.rows() == 0) return written;
  if (&last_ones != &page && !of_last_.end) of_last_ = prepare(last_ones);
  Statements& statements = &last_ones == &page ? of_page_ : of_last_;
  written.updated = statements.end->modify().updated;
  written.inserted = statements.begin->modify().inserted - written.updated;
  written.unchanged = last_ones.rows() - written.inserted - written.updated;
  return written;
}

}  // namespace etl::sink
