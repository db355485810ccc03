#include "run/retry.hpp"

#include <algorithm>

#include "catalog/runs.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

Order current_order(const Context& context) {
  pg::begin();
  const auto state = catalog::read_state_latest(context.pipeline);
  pg::commit(false);
  if (!state || state->epoch != context.epoch || state->run != context.run) return Order::kStop;
  if (state->state == model::State::RUNNING) return Order::kGoOn;
  return state->state == model::State::PAUSE_REQUESTED ? Order::kPause : Order::kStop;
}

Order Retry::back_off(std::int64_t ms) {
  const std::int64_t end = pg::now_us() + ms * 1000;
  for (;;) {
    const Order order = current_order(context_);
    if (order == Order::kStop) return order;
    const std::int64_t left = (end - pg::now_us()) / 1000;
    if (left <= 0) return order;
    pg::sleep_ms(std::min<std::int64_t>(left, 200));
  }
}

Order Retry::after(Error error, bool timer_fired) {
  const model::Options& options = context_.plan.options;
  ErrorClass kind = classify(error.sqlstate);
  if (error.sqlstate == "57014" && timer_fired) {
    kind = ErrorClass::kTransient;
    error.message = "canceling statement due to option \"step_timeout\"";
    error.hint = "Give the step less to do, or raise the option.";
  }
  if (kind == ErrorClass::kCancel && current_order(context_) == Order::kStop) return Order::kStop;
  if (kind != ErrorClass::kTransient || tries_ >= options.max_retries) {
    context_.timed_out = kind == ErrorClass::kTransient && error.sqlstate == "57014";
    throw error;
  }
  const std::size_t step = std::min<std::size_t>(static_cast<std::size_t>(tries_), options.retry_backoff_ms.size() - 1);
  const std::int64_t wait = options.retry_backoff_ms[step];
  ++tries_;
  context_.attempt = tries_ + 1;
  pg::begin();
  catalog::count_attempt(context_.run);
  catalog::write_event(context_.pipeline, context_.run, context_.role,
                       "attempt " + std::to_string(tries_) + " failed with " + error.sqlstate + ": " + error.message +
                           "; trying again in " + std::to_string(wait) + " ms");
  pg::commit(true);
  return back_off(wait);
}

void Retry::succeeded() {
  tries_ = 0;
  context_.attempt = 1;
  if (!context_.recovering) return;
  context_.recovering = false;
  pg::begin();
  catalog::forget_recoveries(context_.run);
  pg::commit(false);
}

}  // namespace etl::run
