// The HTTP client's sleep inside the server: on PostgreSQL's latch, so that a cancel or a shutdown ends it at once.
#pragma once

#include "http/waiter.hpp"

namespace etl::remote {

// wait() throws Error 57014 on a cancel; a shutdown ends the process.
class LatchWaiter : public http::Waiter {
 public:
  std::vector<http::Socket> wait(const std::vector<http::Socket>& wanted, int timeout_ms) override;
};

}  // namespace etl::remote
