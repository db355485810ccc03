// Holds back signals while a library may start a thread: libcurl a resolver's, Apache Arrow one of its allocator.
//
// A new thread inherits the mask of its maker. A signal handler of PostgreSQL that ran on a foreign thread would set
// another thread's latch and read its globals, so every call that may create a thread runs with signals blocked. The
// synchronous ones stay open: blocking them turns a diagnosable fault into a silent kill.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace etl {

class SignalBlock {
 public:
  SignalBlock() noexcept {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int synchronous : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      sigdelset(&blocked, synchronous);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_;
};

}  // namespace etl
