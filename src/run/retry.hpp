// What follows an error in a batch: wait and try again, or give up.
#pragma once

#include <optional>

#include "core/error.hpp"
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
  Order after(const Error& error, bool timer_fired);
  // A batch was committed: counting starts anew.
  void succeeded();
  int tries() const { return tries_; }

 private:
  Order back_off(std::int64_t ms);

  Context& context_;
  int tries_ = 0;
};

}  // namespace etl::run
