// What follows an error in a batch: wait and try again, or give up.
#pragma once

#include <optional>

#include "core/error.hpp"
#include "pg/transaction.hpp"
#include "run/context.hpp"

namespace etl::run {

// The state of the pipeline as the newest snapshot shows it, seen from this worker's lease.
enum class Order { kGoOn, kPause, kStop };
Order current_order(const Context& context);

class Retry {
 public:
  explicit Retry(Context& context) : context_(context) {}

  // Call with the transaction rolled back. Returns when the batch is to be tried again, after the back-off; kStop or
  // kPause when somebody asked for that meanwhile. Throws `error` when it is permanent or the tries are used up. A
  // statement timer that fired makes 57014 transient.
  Order after(Error error, bool timer_fired);
  // Runs `step`, which begins and commits transactions of its own, until it succeeds: kGoOn; kStop as above.
  template <class Step>
  Order repeat(Step step) {
    for (;;) {
      try {
        step();
        return Order::kGoOn;
      } catch (const Error& error) {
        pg::abort_transaction();
        if (after(error, pg::statement_timer_fired()) == Order::kStop) return Order::kStop;
      }
    }
  }
  // A batch was committed: counting starts anew.
  void succeeded();
  int tries() const { return tries_; }

 private:
  Order back_off(std::int64_t ms);

  Context& context_;
  int tries_ = 0;
};

}  // namespace etl::run
