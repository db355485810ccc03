// A pipeline's options: every key that design.md 4 lists, with its default. An unknown key is 22023 with the nearest
// known one as a hint; a known one that this version does not build is 0A000.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/write_mode.hpp"

namespace etl::model {

struct Options {
  int max_retries = 3;
  std::vector<std::int64_t> retry_backoff_ms = {1000, 2000, 4000};  // the last one repeats
  bool quarantine = false;                                          // on_error
  std::int64_t max_dead_letters = 1000;
  int priority = 0;  // of its runs among those that wait for a worker: the highest is first
  int slices = 1;
  std::string safety = "auto";
  std::int64_t overlap_ms = 300000;
  std::int64_t settle_ms = 2000;
  bool materialize = false;      // what a step gave is kept until the run has succeeded
  bool observe_steps = false;    // observe: run or steps
  bool snapshot_run = false;     // snapshot: batch or run
  bool durable_batches = false;  // durability: run or batch
  bool dead_letter_null_keys = false;
  bool auto_recover = true;
  std::int64_t step_timeout_ms = 300000;
  std::int64_t run_timeout_ms = 0;  // 0: none
  std::int64_t bulk_bytes = 10485760;
  int bulk_items = 5000;
  int in_flight = 4;
  bool compress = false;
  std::string index_settings;  // JSON object or empty
  Write write;                 // write_mode and range
  std::string index_mappings;  // JSON object or empty
};

// json: an object. Errors: 22023 (unknown key, wrong type or range), 0A000 (known, not built).
Options parse_options(std::string_view json);

// Which option differs that says what is done with the owner's rights, or to rows that are there already; empty: none
// does. ALTER alone is enough for all others. Both are objects.
std::string owners_option(std::string_view old, std::string_view changed);

}  // namespace etl::model
