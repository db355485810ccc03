#include "pg/wait.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/wait_event.h"
}
#if PG_VERSION_NUM >= 180000
extern "C" {
#include "storage/waiteventset.h"
}
#endif

namespace etl::pg {

namespace {

// A set for each wait: libcurl's sockets come and go, and making one costs a few microseconds.
WaitEventSet* make_set(int sockets) {
#if PG_VERSION_NUM >= 170000
  return CreateWaitEventSet(nullptr, sockets + 2);
#else
  return CreateWaitEventSet(CurrentMemoryContext, sockets + 2);
#endif
}

// C only. Returns how many events were stored in `events`.
int wait_once(const WaitSocket* wanted, int count, long timeout_ms, WaitEvent* events) {
  WaitEventSet* set = make_set(count);
  int occurred = 0;
  PG_TRY();
  {
    AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
    AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
    for (int i = 0; i < count; ++i) {
      const uint32 mask =
          (wanted[i].readable ? WL_SOCKET_READABLE : 0U) | (wanted[i].writable ? WL_SOCKET_WRITEABLE : 0U);
      if (mask != 0) AddWaitEventToSet(set, mask, wanted[i].fd, nullptr, nullptr);
    }
    occurred = WaitEventSetWait(set, timeout_ms, events, count + 2, PG_WAIT_EXTENSION);
  }
  PG_FINALLY();
  { FreeWaitEventSet(set); }
  PG_END_TRY();
  return occurred;
}

void answer_interrupts() {
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
  if (!ConfigReloadPending) return;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
}

}  // namespace

std::vector<WaitSocket> wait_for_sockets(const std::vector<WaitSocket>& wanted, long timeout_ms) {
  std::vector<WaitEvent> events(wanted.size() + 2);
  const WaitSocket* first = wanted.data();
  WaitEvent* event = events.data();
  const int count = static_cast<int>(wanted.size());
  const int occurred = call([&] {
    CHECK_FOR_INTERRUPTS();
    const int n = wait_once(first, count, timeout_ms, event);
    answer_interrupts();
    return n;
  });
  std::vector<WaitSocket> ready;
  for (int i = 0; i < occurred; ++i) {
    const bool readable = (event[i].events & WL_SOCKET_READABLE) != 0;
    const bool writable = (event[i].events & WL_SOCKET_WRITEABLE) != 0;
    if (readable || writable) ready.push_back({event[i].fd, readable, writable});
  }
  return ready;
}

}  // namespace etl::pg
