// What a batch is made of: the rows after a position, through the steps, as each sink is to take them.
//
// A position is the last key of every feed, one after the other; of a feed that has not begun, nulls. See Way in
// run/plan.hpp for how feeds, steps and sinks are put together.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pg/relation.hpp"
#include "run/evaluation.hpp"
#include "run/plan.hpp"
#include "source/sql_source.hpp"

namespace etl::run {

class Flow {
 public:
  Flow(const Plan& plan, source::Range range);

  // In a transaction of one snapshot: runs the steps of a whole set. Nothing to do in the other ways.
  void evaluate();
  Evaluation& start_evaluation();  // in a transaction; its steps are run by the caller
  // In a transaction: plans what is read.
  void open();

  // Outside of a transaction: waits for what comes from elsewhere.
  void fetch(const std::optional<pg::Key>& after);
  // Reads a page of each feed behind `after`, in the batch's transaction. False: nothing follows them. What cannot go
  // on may be taken out of the pages before the steps are run.
  bool read(const std::optional<pg::Key>& after);
  std::size_t feeds() const { return sources_.size(); }
  pg::Relation& page(std::size_t feed) { return plan_.way == Way::kBatch ? *page_ : *inputs_[feed]; }
  // Fills the inputs of the sinks: where the pages are those, there is nothing to do.
  void run_steps();
  // The batch read last is to be read again.
  void again();
  // Whether the batch has anything in it.
  bool any();
  std::vector<catalog::FileState> files() const { return sources_[0]->files(); }
  std::uint64_t rows_read();
  std::uint64_t bytes_read();
  // Of the batch, or of the whole set: records that did not get to that sink, by a check, a step or the source.
  // Nothing: of some it is not known what the sink's key columns would have been.
  std::optional<std::vector<std::string>> put_aside(std::size_t sink);
  // The position behind the batch; nothing: where it was.
  std::optional<pg::Key> reached();
  pg::Relation& input(std::size_t sink) { return plan_.straight ? *page_ : *inputs_[sink]; }

  // Of the batch, or of the whole set; nullptr: no step has run.
  const Evaluation* evaluation() const { return evaluation_.get(); }
  source::PageSource& source(std::size_t feed) { return *sources_[feed]; }
  const char* phase() const { return sources_[0]->phase(); }
  double rows_total();

 private:
  std::unique_ptr<source::PageSource> make_source(const Feed& feed, const std::vector<std::string>& keys) const;
  void fill_inputs();

  const Plan& plan_;
  source::Range range_;
  std::vector<std::optional<pg::Key>> after_;  // of each feed: where its page begins …
  std::vector<std::optional<pg::Key>> last_;   // … and ends
  std::unique_ptr<Evaluation> evaluation_;
  std::vector<std::unique_ptr<source::PageSource>> sources_;  // of each feed
  std::unique_ptr<pg::Relation> page_;                        // kBatch: of the paged step
  std::vector<std::unique_ptr<pg::Relation>> inputs_;         // of each sink, unless the page is that
  std::vector<std::unique_ptr<pg::Statement>> statements_;    // kBatch: that fill them
};

// For what an origin is read.
source::OriginSpec origin_spec(const Plan& plan, const std::string& step, const std::vector<pg::Column>& columns);

// What SqlSource needs of a feed. `keys`: what is watched for repetitions and NULLs in its pages.
source::SqlSourceSpec source_spec(const Plan& plan, const Feed& feed, const std::vector<std::string>& keys,
                                  const source::Range& range);

}  // namespace etl::run
