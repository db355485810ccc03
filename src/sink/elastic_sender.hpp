// An index as one of several sinks: each batch is sent and waited for.
#pragma once

#include "sink/elastic_sink.hpp"
#include "sink/sender.hpp"

namespace etl::sink {

class ElasticSender : public Sender {
 public:
  ElasticSender(ElasticSpec spec, bool retries);  // retries: of its own

  void open() override;
  void encode(pg::Relation& page, std::int64_t version) override;
  pg::Relation& rows() override { return *rows_; }
  Delivered deliver(const Intent& intent) override;

 private:
  const ElasticSpec spec_;
  std::unique_ptr<ElasticSink> sink_;
  bool failed_ = false;  // then it sends nothing any more
  Batch batch_;
  pg::Relation* rows_ = nullptr;
};

}  // namespace etl::sink
