// Sleeping on sockets as PostgreSQL sleeps: with the latch, the postmaster's death, and interrupts.
#pragma once

#include <vector>

namespace etl::pg {

struct WaitSocket {
  int fd;
  bool readable;
  bool writable;
};

// Sleeps until a socket is ready for what is wanted of it, `timeout_ms` have passed (-1: no limit, 0: only looks), or
// the process is woken. Returns the ready ones, possibly none; a socket in error is ready. Then answers interrupts: a
// cancel is Error 57014, a shutdown ends the process. No transaction is needed.
std::vector<WaitSocket> wait_for_sockets(const std::vector<WaitSocket>& wanted, long timeout_ms);

}  // namespace etl::pg
