// What the options of a SQL/MED server say about how hard it may be used, by all workers together, and how long it is
// waited for.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "core/circuit.hpp"

namespace etl {

struct ServerLimits {
  CircuitRules circuit;            // breaker_failures, breaker_pause, breaker_successes
  double requests_per_second = 0;  // 0: no limit
  int requests_in_flight = 0;      // 0: no limit
  // connect_timeout, read_timeout; nothing: what the kind of server has
  std::optional<std::chrono::milliseconds> connect_timeout;
  std::optional<std::chrono::milliseconds> read_timeout;
};

// Takes the limits out of all of a server's options. Error 22023 for a value out of its range.
ServerLimits parse_server_limits(const std::map<std::string, std::string>& options);

}  // namespace etl
