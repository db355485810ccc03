// The batch loop into Elasticsearch: nothing is held while the network is waited for.
//
//   transaction  checkpoint of what was acknowledged; read the next batch, encode it, reserve its version   COMMIT,
//   flushed no transaction  send it; several batches are under way; wait for replies
//
// A document carries its key as _id and the batch's version, so that a request which is repeated, or comes late,
// changes nothing. What was not acknowledged is read and sent again under a higher version: at least once on the wire,
// exactly once in the index. See src/run/README.md and src/sink/README.md.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "run/context.hpp"
#include "run/flow.hpp"
#include "run/quarantine.hpp"
#include "run/retry.hpp"
#include "sink/elastic_sink.hpp"

namespace etl::run {

class RemoteLoop {
 public:
  RemoteLoop(Context& context, catalog::Checkpoint& checkpoint, source::Range range, bool again);

  Outcome run();

 private:
  struct Sent {
    catalog::BatchRecord record;
    std::optional<pg::Key> reached;  // the position behind it
    std::vector<StepWork> work;      // of the steps before the sink
    std::vector<catalog::FileState> files;
  };

  void open();
  void step();                             // one transaction: saves, reads; then sends
  void save_acknowledged();                // in the transaction
  void forget_saved();                     // after its commit
  std::optional<sink::Batch> read_next();  // in the transaction
  void collect(int wait_ms);               // outside of it: takes replies
  void move();
  void move_or_plan_anew();
  bool room() const;

  Context& context_;
  catalog::Checkpoint& checkpoint_;
  source::Range range_;
  bool again_;
  Retry retry_;
  Quarantine quarantine_;
  std::optional<pg::Key> saved_;     // position of the last batch that was saved
  std::optional<pg::Key> position_;  // of the last batch that was read
  std::unique_ptr<Flow> flow_;
  std::unique_ptr<sink::ElasticSink> sink_;
  std::deque<Sent> sent_;         // in the order in which they were read
  std::deque<sink::Done> done_;   // outcomes of the first of sent_
  std::optional<Error> failure_;  // what ends the run, after all before it is saved
  bool more_ = true;
  bool planned_anew_ = false;  // since the last batch was saved
  std::int64_t next_batch_no_ = 0;
  model::State seen_ = model::State::RUNNING;
};

}  // namespace etl::run
