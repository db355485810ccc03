// Inserts each row of a batch: exactly once, since the checkpoint is in the same transaction.
#pragma once

#include <memory>

#include "compile/upsert.hpp"
#include "pg/statement.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

class AppendSink : public PageSink {
 public:
  explicit AppendSink(compile::Upsert upsert) : upsert_(std::move(upsert)) {}

  void open(pg::Relation& page) override;
  Written write(pg::Relation& page) override;
  std::vector<std::string> explain() override { return insert_->explain(); }
  const std::string& sql() override { return insert_->sql(); }

 private:
  compile::Upsert upsert_;
  std::unique_ptr<pg::Statement> insert_;
};

}  // namespace etl::sink
