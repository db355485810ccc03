#include "run/pass.hpp"

#include "pg/transaction.hpp"
#include "run/remote_loop.hpp"
#include "run/retry.hpp"
#include "run/safety.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

Outcome pass(Context& context, catalog::Checkpoint& slice, const source::Range& range, bool again) {
  if (!context.plan.is_remote()) return TableLoop(context, slice, range, again).run();
  return RemoteLoop(context, slice, range, again).run();
}

Outcome incremental(Context& context, catalog::Checkpoint& slice) {
  if (!context.plan.feed().by_order()) return pass(context, slice, {}, false);  // it knows what it has read
  Window window;
  Retry retry(context);
  const Order opened = retry.repeat([&] { window = open_window(context.plan, slice.position, context.requested_us); });
  if (opened == Order::kStop) return Outcome::kStopped;
  if (window.empty) return Outcome::kDone;
  if (window.again && slice.position) {
    source::Range range;
    range.from_first = window.again_from;
    range.up_to_key = slice.position;
    const Outcome outcome = pass(context, slice, range, true);
    if (outcome != Outcome::kDone) return outcome;
  }
  source::Range range;
  range.below_first = window.below;
  range.up_to_first = window.up_to;
  return pass(context, slice, range, false);
}

}  // namespace

Outcome run_slice(Context& context, catalog::Checkpoint& slice) {
  Outcome outcome;
  if (context.plan.definition.mode == "incremental") {
    outcome = incremental(context, slice);
  } else {
    source::Range range;
    if (slice.from) range.from_first = slice.from->at(0);
    if (slice.to) range.below_first = slice.to->at(0);
    outcome = pass(context, slice, range, false);
  }
  if (outcome != Outcome::kDone) return outcome;
  pg::begin();
  catalog::finish_slice(context.pipeline, context.epoch, slice.slice);
  pg::commit(false);
  return outcome;
}

}  // namespace etl::run
