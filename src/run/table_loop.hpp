// The batch loop of a run (or of one slice of it) into tables of this database and whatever goes with them.
//
// One transaction a batch: rows, dead letters, counters, checkpoint. A crash takes all of them or none, so every row
// arrives exactly once. Sinks elsewhere (sink/sender.hpp) get the batch before that transaction, after the one that
// read it; if it is rolled back, they get the batch again. See src/run/README.md for the argument at each kill point.
#pragma once

#include <memory>
#include <optional>

#include "run/context.hpp"
#include "run/flow.hpp"
#include "run/quarantine.hpp"
#include "run/retry.hpp"
#include "run/sinks.hpp"
#include "sink/page_sink.hpp"

namespace etl::run {

class TableLoop {
 public:
  // again: this pass reads a window once more, so it moves no checkpoint and counts what it wrote as late.
  TableLoop(Context& context, catalog::Checkpoint& checkpoint, source::Range range, bool again);

  Outcome run();

 private:
  enum class Form { kQuick, kBisect };

  void open();
  void start();  // open, and look for the rows that no page reaches
  sink::Intent intent(const catalog::BatchRecord& record) const;
  void open_senders();
  // Whether the one sink is a server's that keeps the checkpoint too.
  bool kept_elsewhere() const { return context_.plan.sends() && context_.plan.sinks.size() == 1; }
  void deliver(const catalog::BatchRecord& record);
  void catch_up();
  catalog::BatchRecord next_record() const;
  catalog::Counters write(Form form, std::uint64_t dead);
  sink::Replaced take(std::size_t sink, Form form, std::uint64_t& dead);
  sink::Written write_to(std::size_t sink, Form form, std::uint64_t& dead);
  bool batch(Form form);  // one transaction; true: more follows
  void finish();
  bool use_on_conflict();
  Order batch_with_retries(bool& more);
  Order answer(const Error& error, Form& form);
  void estimate();

  Context& context_;
  catalog::Checkpoint& checkpoint_;
  source::Range range_;
  bool again_;
  Retry retry_;
  Quarantine quarantine_;
  std::optional<pg::Key> position_;
  std::unique_ptr<Flow> flow_;
  std::vector<std::unique_ptr<sink::PageSink>> sinks_;  // nullptr: a sender
  std::vector<std::unique_ptr<sink::Sender>> senders_;  // nullptr: a sink of this database
  std::vector<sink::Delivered> delivered_;              // of the batch, by each sender
  std::vector<std::unique_ptr<sink::Sweep>> sweeps_;    // of each sink; nullptr: it has none
  std::vector<std::unique_ptr<sink::Swap>> swaps_;      // likewise
  bool swapping_ = false;                               // the batch may fail since a swap was tried
  bool in_place_ = false;                               // a batch failed: no swap is tried any more
  bool planned_anew_ = false;                           // since the last batch
  bool in_steps_ = false;                               // the batch's rows are read and go through the steps
  std::optional<bool> replan_;                          // before the next batch, with this each_step
  bool closed_ = true;                                  // the next batch opens what it needs
  bool taken_ = false;  // a page was taken from the source and is not committed: an error gives it back
  bool done_ = false;   // the run's one batch is committed: an error behind that must not sweep the target of no rows
  model::State seen_ = model::State::RUNNING;
};

// What the steps before the sinks did for a batch, whose reading took read_us.
std::vector<StepWork> work_of_batch(Flow& flow, const Plan& plan, std::int64_t started_us, std::int64_t read_us);

}  // namespace etl::run
