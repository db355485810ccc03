// Writes documents into an index by bulk requests, several in flight. The protocol, and why nothing is lost: README.md.
//
//   ElasticSink sink(spec);
//   sink.open();                                    // no transaction
//   begin; read page; Batch batch = sink.encode(page, version); keep page, version and range; commit
//   sink.send(std::move(batch));                    // no transaction
//   while (sink.outstanding() > 0) {
//     sink.pump(1000);
//     while (std::optional<Done> done = sink.take()) …  // begin; dead letters, counters, checkpoint; commit
//   }
//
// An Error out of pump or send other than 57014 leaves the sink unusable: drop it, and send what was not acknowledged
// with a new one. Dropping it gives up what is in flight, without waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "remote/http_clients.hpp"
#include "sink/bulk_body.hpp"
#include "sink/elastic_index.hpp"
#include "sink/sender.hpp"

namespace etl::sink {

struct Batch {
  std::vector<BulkBody> bodies;
  std::vector<DeadRow> dead;
  std::uint64_t rows = 0;        // of the page
  std::uint64_t superseded = 0;  // an _id came again later in the page
  std::uint64_t bytes = 0;       // of all bodies
};

struct Done {
  std::uint64_t ticket = 0;  // what send() returned
  std::uint64_t stored = 0;
  std::uint64_t created = 0;  // of those stored: had not been there
  std::uint64_t stale = 0;    // a version as high or higher was there
  std::uint64_t superseded = 0;
  std::uint64_t bytes = 0;
  std::vector<DeadRow> dead;
  // Then nothing is known of the documents that are counted nowhere: PE001, PE002, 08xxx or 53200 after the last retry
  // (the batch has been sent 1 + max_retries times: do not try it again), PE020, PE021, 42501 at once.
  std::optional<Error> failure;
  int requests = 0;  // sent for it
};

class ElasticSink {
 public:
  explicit ElasticSink(ElasticSpec spec);

  // Reaches the server and creates the index unless it exists. No transaction is open.
  void open();

  // In the page's transaction. Never fails for a row: what cannot be a document is in batch.dead.
  Batch encode(pg::Relation& page, std::int64_t version);

  // Takes the batch on and returns its ticket; starts as many requests as are free, never waits. No transaction is
  // open.
  std::uint64_t send(Batch&& batch);

  std::size_t outstanding() const { return jobs_.size(); }  // batches sent and not taken
  // Whether to read another batch: it starts at once, or is the one that waits for the next free connection.
  bool has_room() const;

  // Moves transfers and back-off timers on; sleeps at most timeout_ms (-1: until something happens), interruptibly.
  void pump(int timeout_ms);

  // A completed batch, in the order sent.
  std::optional<Done> take();

 private:
  using Clock = std::chrono::steady_clock;

  // One body on its way: waiting for a connection or for its back-off, or in flight.
  struct Exchange {
    std::uint64_t job = 0;
    BulkBody body;
    int tries = 0;  // sends so far
    Clock::time_point due{};
    std::optional<http::Ticket> ticket;
  };
  struct Job {
    Done done;
    std::size_t open = 0;  // exchanges
  };
  using Position = std::list<Exchange>::iterator;

  Job& job(const Exchange& exchange) { return jobs_[exchange.job - jobs_.front().done.ticket]; }
  void start_due();
  int sleep_time(int timeout_ms) const;
  void answer(Position exchange, const http::Reply& reply);
  void read_items(Position exchange, const http::Reply& reply);
  void retry(Position exchange, const Error& error, std::optional<std::chrono::milliseconds> retry_after);
  void split(Position exchange);
  void finish(Position exchange);
  void fail(std::uint64_t job, const Error& error);
  void encode_singly(pg::Relation& page, std::int64_t version, Batch& batch);
  void slow_down();

  const ElasticSpec spec_;
  const ElasticIndex index_;
  pg::Gate gate_;
  Clock::time_point gate_opens_{};  // when to ask again for a request that it did not let pass
  remote::HttpClient client_;
  std::unique_ptr<pg::DocumentEncoder> encoder_;
  pg::Documents documents_;
  std::deque<Job> jobs_;  // in the order sent; tickets are consecutive
  std::list<Exchange> exchanges_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t first_failed_ = UINT64_MAX;  // ticket
  int running_ = 0;
  int limit_;  // of requests in flight: halved by a 429, up again with each success
  bool just_submitted_ = false;
};

}  // namespace etl::sink
