// The gate to a remote server: its circuit breaker, its token bucket and its requests in flight, in shared memory, for
// all workers of the database.
//
// The breaker decides which runs may start: a run under way tries again as its own options say, and what becomes of its
// requests moves the breaker. Nothing of it outlives the server process, and a run that starts after its SQL/MED server
// was altered makes it new. Where no entry is to be had, a server goes without: nothing is held back, nothing counted.
#pragma once

#include <cstdint>
#include <string>

#include "core/server_limits.hpp"
#include "pg/server.hpp"

namespace etl::pg {

// What all workers know of a server. Times are microseconds since the Unix epoch, 0: never.
struct GateState {
  Circuit::State circuit = Circuit::State::kClosed;
  int failures = 0;
  std::int64_t opened_us = 0;
  std::int64_t next_probe_us = 0;  // while it is open
  int in_flight = 0;               // requests, if they are limited
  std::int64_t throttled_us = 0;   // when a request last had to wait for one of the limits
  bool admits = true;              // Circuit::admits
  bool admits_asked = true;        // the same for a user who asks
};
GateState gate_state(const GateKey& gate);

// A run starts there, with the options of `gate`.
void enter(const GateKey& gate);

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
  void tell(bool alive);  // whether the server answered, be it with a refusal; nothing once the server was altered

 private:
  const GateKey key_;
  const std::string name_;
  const ServerLimits limits_;
  int passed_ = 0;  // and not ended
};

}  // namespace etl::pg
