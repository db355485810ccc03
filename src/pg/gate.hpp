// The gate to a remote server: its circuit breaker, its token bucket and its requests in flight, in shared memory, for
// all workers of the database.
//
// The breaker decides which runs may start: a run under way tries again as its own options say, and what becomes of its
// requests moves the breaker. Nothing of it outlives the server process; a SQL/MED server that was altered has a new
// gate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/server_limits.hpp"
#include "pg/server.hpp"

namespace etl::pg {

struct GateState {
  Circuit circuit;
  int in_flight = 0;              // requests, if their number is limited
  std::int64_t throttled_us = 0;  // when a request last had to wait for one of the limits; 0: never
};
GateState gate_state(const GateKey& gate);

// Whether a run may start (Circuit::admits): then it has.
bool enter(const GateKey& gate, bool asked);

// One worker's way through the gate.
class Gate {
 public:
  explicit Gate(const Server& server);
  ~Gate();  // ends its requests
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Lets one request pass: 0. It may not yet: after how many milliseconds to ask again.
  int pass();
  void end();             // one that had passed is over, or given up
  void tell(bool alive);  // whether the server answered, be it with a refusal

 private:
  const GateKey key_;
  const std::string name_;
  const ServerLimits limits_;
  int passed_ = 0;  // and not ended
};

}  // namespace etl::pg
