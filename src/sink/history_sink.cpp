#include "sink/history_sink.hpp"

#include "pg/transaction.hpp"

namespace etl::sink {

std::unique_ptr<pg::Statement> HistorySink::prepare(const std::string& sql, pg::Relation& input) const {
  return std::make_unique<pg::Statement>(sql, std::vector<unsigned>{}, std::vector{pg::NamedRelation{"input", &input}},
                                         pg::Planning::kIndexProbe);
}

HistorySink::Statements HistorySink::prepare(pg::Relation& input) const {
  return {prepare(compile::end_versions_sql(history_), input), prepare(compile::begin_versions_sql(history_), input),
          nullptr};
}

std::uint64_t HistorySink::amend(Statements& statements, pg::Relation& input) const {
  const std::string sql = compile::amend_versions_sql(history_);
  if (sql.empty()) return 0;
  if (!statements.amend) statements.amend = prepare(sql, input);
  return statements.amend->modify().updated;
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
  const bool again = written_us_ == pg::transaction_us();
  written_us_ = pg::transaction_us();
  const std::uint64_t amended = again ? amend(statements, last_ones) : 0;
  const std::uint64_t ended = statements.end->modify().updated;
  written.inserted = statements.begin->modify().inserted - ended;
  written.updated = amended + ended;
  written.unchanged = last_ones.rows() - written.inserted - written.updated;
  return written;
}

}  // namespace etl::sink
