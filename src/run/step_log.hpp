// The figures of a run's steps: summed up over its batches, stored in the transaction of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/steps.hpp"
#include "core/error.hpp"
#include "run/evaluation.hpp"
#include "run/plan.hpp"

namespace etl::run {

class StepLog {
 public:
  // In a transaction: takes up what the run has so far. A plan without steps has no log, and all below does nothing.
  void open(const Plan& plan, std::int64_t run);

  // What steps did. done: once for the whole run, so that they have succeeded.
  void add(const std::vector<StepWork>& work, bool done = false);
  // It has succeeded before, and was not run.
  void done_before(const std::string& step);
  void save();  // in a transaction
  void committed() { saved_ = totals_; }
  void rolled_back() { totals_ = saved_; }

  // The end of the run, in its transaction: `status` is succeeded, paused, failed or cancelled. An error is put down to
  // the step that it names, or to all whose statement it may come from.
  void end(const Plan& plan, const std::string& status, const Error* error);

 private:
  std::int64_t run_ = 0;
  std::vector<catalog::StepTotals> totals_;
  std::vector<catalog::StepTotals> saved_;
};

// Two objects of figures as one: numbers are added, objects likewise, lists as sets; of anything else the later one
// stays.
std::string add_figures(const std::string& one, const std::string& other);

}  // namespace etl::run
