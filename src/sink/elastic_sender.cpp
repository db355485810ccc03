#include "sink/elastic_sender.hpp"

#include <utility>

namespace etl::sink {

namespace {

// The loop tries the batch again, with all of its sinks.
ElasticSpec without_retries(ElasticSpec spec) {
  spec.options.max_retries = 0;
  return spec;
}

}  // namespace

ElasticSender::ElasticSender(ElasticSpec spec, bool retries)
    : spec_(retries ? std::move(spec) : without_retries(std::move(spec))),
      sink_(std::make_unique<ElasticSink>(spec_)) {}

void ElasticSender::open() {
  sink_->open();
}

void ElasticSender::encode(pg::Relation& page, std::int64_t version) {
  rows_ = &page;
  batch_ = sink_->encode(page, version);
}

Delivered ElasticSender::deliver(const Intent&) {
  Delivered delivered;
  delivered.superseded = batch_.superseded;
  if (batch_.bodies.empty()) {
    delivered.dead = std::move(batch_.dead);
    return delivered;
  }
  if (failed_) {
    sink_ = std::make_unique<ElasticSink>(spec_);
    sink_->open();
  }
  failed_ = true;
  (void)sink_->send(std::exchange(batch_, {}));
  std::optional<Done> done;
  while (!(done = sink_->take())) sink_->pump(1000);
  if (done->failure) throw Error(*done->failure);
  failed_ = false;
  delivered.inserted = done->created;
  delivered.updated = done->stored - done->created;
  delivered.dead = std::move(done->dead);
  return delivered;
}

}  // namespace etl::sink
