// Gives each batch to a function, in the batch's transaction: a sink that etl.register_operator() made.
#pragma once

#include <memory>
#include <string>

#include "pg/statement.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

class FunctionSink : public PageSink {
 public:
  // call: SELECT f(array_agg(…), …) FROM input
  explicit FunctionSink(std::string call) : call_(std::move(call)) {}

  void open(pg::Relation& page) override;
  Written write(pg::Relation& page) override;
  std::vector<std::string> explain() override { return statement_->explain(); }
  const std::string& sql() override { return call_; }

 private:
  std::string call_;
  std::unique_ptr<pg::Statement> statement_;
};

}  // namespace etl::sink
