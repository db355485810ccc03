// Rows that come late, such as dead letters, on the rest of a pipeline's way: from one step on to the sinks behind it.
//
// What else those sinks take stays away; what the steps between join is read anew. Where a pipeline goes by batches,
// the rows are one; else each step must look at each of them by itself.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "run/evaluation.hpp"
#include "run/plan.hpp"

namespace etl::run {

class LateRows {
 public:
  // In a transaction. Rows that `step`, a transform, has not let through: found by a check, or failed on; or that a
  // source gave which is a SELECT. Error 0A000 when the steps look at all rows of a set, or the step has no rows to
  // take up.
  LateRows(const Plan& plan, const std::string& step);

  pg::Relation& page() { return *page_; }  // to be filled: the rows of `step`, a source, or of its input
  // Runs the steps. Error 23514 when a check finds any of the rows.
  void run();

  const std::vector<std::size_t>& sinks() const { return sinks_; }  // of the plan: those behind the step
  void read(std::size_t sink, pg::Relation& rows);                  // what the sink is to take

 private:
  void find_way(const std::string& step);
  bool takes_rows_alone(const model::Step& step) const;
  void want_rows(const model::Step& step) const;
  void need(const std::string& step);

  Plan plan_;  // the same steps, with other relations
  std::set<std::string> behind_;
  std::set<std::string> read_;  // sources that are no SELECT, from which steps behind join rows
  std::vector<std::size_t> sinks_;
  std::unique_ptr<pg::Relation> page_;
  std::unique_ptr<Evaluation> evaluation_;
};

}  // namespace etl::run
