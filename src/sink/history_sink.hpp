// Keeps a row for each version of a key: see compile/history.hpp. A version that ends and the one that follows it count
// as one update. Of a page that is written in parts, in one transaction, the last row of a key wins, too.
#pragma once

#include <memory>

#include "compile/history.hpp"
#include "pg/statement.hpp"
#include "sink/last_of_key.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

class HistorySink : public PageSink {
 public:
  explicit HistorySink(compile::History history) : history_(std::move(history)) {}

  void open(pg::Relation& page) override;
  Written write(pg::Relation& page) override;
  bool has_versions() const override { return last_of_key_->may_reduce(); }
  std::vector<std::string> explain() override { return of_page_.begin->explain(); }
  const std::string& sql() override { return of_page_.begin->sql(); }

 private:
  struct Statements {
    std::unique_ptr<pg::Statement> end;
    std::unique_ptr<pg::Statement> begin;
    std::unique_ptr<pg::Statement> amend;  // made when it is needed first
  };
  std::unique_ptr<pg::Statement> prepare(const std::string& sql, pg::Relation& input) const;
  Statements prepare(pg::Relation& input) const;
  std::uint64_t amend(Statements& statements, pg::Relation& input) const;

  compile::History history_;
  std::unique_ptr<LastOfKey> last_of_key_;
  Statements of_page_;
  Statements of_last_;
  std::int64_t written_us_ = 0;  // the time of the transaction that wrote last
};

}  // namespace etl::sink
