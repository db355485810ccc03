// Up to where an incremental source may be read without ever missing a row that commits late (internals.md 7-10).
//
// Keys are handed out before rows become visible, so "greater than the last one" alone loses rows. Each mode has its
// own argument why it does not:
//   xact     keys are now() of the writing transaction: nothing below the start of the oldest one running can still
//   come. lock     keys come ascending out of a sequence, handed out under a lock on the table: once all who held that
//   lock when
//            the mark was taken have ended, nothing below the mark can still come.
//   overlap  everything else: a window is read again, which holds as long as no transaction outlives the window.
#pragma once

#include <optional>
#include <string>

#include "catalog/checkpoints.hpp"
#include "run/plan.hpp"

namespace etl::run {

// Sets plan.safety and plan.safety_reason; adds warnings.
void choose_safety(Plan& plan);

// What one run may read.
struct Window {
  std::optional<std::string> below;       // key < this (xact)
  std::optional<std::string> up_to;       // key <= this (lock)
  bool again = false;                     // read once more what lies before the checkpoint (overlap) …
  std::optional<std::string> again_from;  // … where key >= this; nothing: from the beginning
  bool settled = true;                    // everything committed before the request is inside
  bool empty = false;                     // nothing is safe to read yet
};

// Opens the window of a run: takes the marks, waits up to `settle` for those who hold it back, and stores what it found
// for etl.lag. Runs transactions of its own; `requested_us` is when the run was asked for.
Window open_window(const Plan& plan, const std::optional<catalog::Key>& position, std::int64_t requested_us);

}  // namespace etl::run
