// What the steps of a run have done: etl.step_run_log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace etl::catalog {

// Sums over the batches of a run.
struct StepTotals {
  std::string step;
  std::string op;
  std::vector<std::string> depends_on = {};
  std::string status = "requested";  // requested | running | succeeded | failed | cancelled
  std::int64_t started_us = 0;       // 0: it has not begun
  std::int64_t finished_us = 0;      // when it was active last
  std::int64_t active_us = 0;
  std::optional<std::int64_t> rows_in = {};  // nothing: not counted
  std::optional<std::int64_t> rows_out = {};
  std::string figures = "{}";  // JSON object: the operator's own
  std::optional<std::string> error_code = {};
  std::optional<std::string> error_message = {};
};

// Of a run that has not been worked on, empty.
std::vector<StepTotals> read_steps(std::int64_t run);
void save_steps(std::int64_t run, const std::vector<StepTotals>& steps);

}  // namespace etl::catalog
