// What one worker knows of the run that it works on.
#pragma once

#include <cstdint>
#include <string>

#include "catalog/checkpoints.hpp"
#include "run/plan.hpp"
#include "run/step_log.hpp"

namespace etl::run {

struct Context {
  Plan plan;
  std::int64_t pipeline = 0;
  std::int64_t run = 0;
  std::int64_t epoch = 0;
  std::int64_t requested_us = 0;
  std::string correlation_id;
  int attempt = 1;   // of the batch under way
  std::string role;  // session user, for events
  bool recovering = false;
  bool resumed = false;    // the run has worked before this process
  bool goes_on = false;    // behind rows that the targets have
  StepLog steps;           // of the run's leader
  bool timed_out = false;  // the run's last 57014 is its own statement timer's, not a cancel
};

// How a worker's part of a run ended, when it did not fail.
enum class Outcome {
  kDone,
  kPaused,
  kStopped,  // cancelled, or another worker has taken over: nothing is left to do here
};

}  // namespace etl::run
