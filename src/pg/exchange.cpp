#include "pg/exchange.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"
}

namespace etl::pg {

namespace {

constexpr std::size_t kQueueBytes = 65536;

// The segment: the length of the question, the question, then the queue.
struct Layout {
  std::size_t question;
  std::size_t queue;
  std::size_t total;
};

Layout layout_of(std::size_t question_length) {
  Layout layout{};
  layout.question = MAXALIGN(sizeof(std::uint64_t));
  layout.queue = MAXALIGN(layout.question + question_length);
  layout.total = layout.queue + kQueueBytes;
  return layout;
}

// C only: an on_dsm_detach callback. Runs wherever the asker leaves: at the end of the Asker, when a transaction
// aborts, and at the end of the process.
void stop_answerer(dsm_segment*, Datum handle) {
  auto* worker = reinterpret_cast<BackgroundWorkerHandle*>(DatumGetPointer(handle));
  TerminateBackgroundWorker(worker);
  pfree(worker);
}

// The pids of up to 64 processes that hold, or wait before `pid` for, what it waits for.
struct Pids {
  int count;
  int pid[64];
};

Pids blockers_of(int pid) {
  return call([&] {
    Pids pids{};
    ArrayType* found = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid)));
    const int length = ArrayGetNItems(ARR_NDIM(found), ARR_DIMS(found));
    for (pids.count = 0; pids.count < Min(length, 64); ++pids.count) {
      pids.pid[pids.count] = reinterpret_cast<int32*>(ARR_DATA_PTR(found))[pids.count];
    }
    pfree(found);
    return pids;
  });
}

// Whether `pid` waits for this process, directly or behind others.
bool waits_for_me(int pid) {
  std::vector<int> seen = {pid};
  for (std::size_t at = 0; at < seen.size(); ++at) {
    const Pids pids = blockers_of(seen[at]);
    for (int i = 0; i < pids.count; ++i) {
      if (pids.pid[i] == MyProcPid) return true;
      if (std::find(seen.begin(), seen.end(), pids.pid[i]) == seen.end()) seen.push_back(pids.pid[i]);
    }
  }
  return false;
}

}  // namespace

Asker::Asker(Task task, const std::string& question) {
  const Layout layout = layout_of(question.size());
  const char* text = question.data();
  const std::size_t length = question.size();
  task.job = Job::kAnswer;
  started_ = call([&] {
    dsm_segment* segment = dsm_create(layout.total, 0);
    char* base = static_cast<char*>(dsm_segment_address(segment));
    std::memset(base, 0, layout.queue);
    *reinterpret_cast<std::uint64_t*>(base) = length;
    std::memcpy(base + layout.question, text, length);
    shm_mq* queue = shm_mq_create(base + layout.queue, kQueueBytes);
    shm_mq_set_receiver(queue, MyProc);
    segment_ = segment;
    task.exchange = dsm_segment_handle(segment);
    BackgroundWorkerHandle* handle = nullptr;
    MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
    const bool started = start_answerer(task, reinterpret_cast<void**>(&handle));
    MemoryContextSwitchTo(outer);
    if (!started) return false;
    worker_ = handle;
    on_dsm_detach(segment, stop_answerer, PointerGetDatum(handle));
    queue_ = shm_mq_attach(queue, segment, handle);
    return true;
  });
}

Asker::~Asker() {
  if (segment_ != nullptr) dsm_detach(static_cast<dsm_segment*>(segment_));
}

std::optional<std::string> Asker::receive() {
  struct Message {
    shm_mq_result result;
    Size length;
    void* data;
  };
  for (;;) {
    const Message message = call([&] {
      Message m{};
      m.result = shm_mq_receive(static_cast<shm_mq_handle*>(queue_), &m.length, &m.data, true);
      return m;
    });
    if (message.result == SHM_MQ_DETACHED) return std::nullopt;
    if (message.result == SHM_MQ_SUCCESS) return std::string(static_cast<const char*>(message.data), message.length);
    const bool woken = call([&] {
      const int events =
          WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, DeadlockTimeout, PG_WAIT_EXTENSION);
      ResetLatch(MyLatch);
      CHECK_FOR_INTERRUPTS();
      return (events & WL_LATCH_SET) != 0;
    });
    if (!woken) refuse_own_deadlock();
  }
}

void Asker::refuse_own_deadlock() const {
  const pid_t pid = call([&] {
    pid_t found = 0;
    const bool runs = GetBackgroundWorkerPid(static_cast<BackgroundWorkerHandle*>(worker_), &found) == BGWH_STARTED;
    return runs ? found : 0;
  });
  if (pid == 0 || !waits_for_me(pid)) return;
  throw Error("55P03", "the worker that answers waits for a lock that this transaction holds",
              "Process " + std::to_string(pid) + " waits for process " + std::to_string(MyProcPid) +
                  ", which waits for its answer.",
              "End the transaction that has the table locked or changed, and ask outside of it.");
}

void Asker::finish() {
  call([&] {
    cancel_on_dsm_detach(static_cast<dsm_segment*>(segment_), stop_answerer, PointerGetDatum(worker_));
    pfree(worker_);
    worker_ = nullptr;
  });
}

Answerer::Answerer(const Task& task) {
  const dsm_handle handle = task.exchange;
  call([&] {
    CurrentResourceOwner = ResourceOwnerCreate(nullptr, "pg_etl answer");
    dsm_segment* segment = dsm_attach(handle);
    if (segment == nullptr) elog(ERROR, "the question is gone");
    dsm_pin_mapping(segment);
    segment_ = segment;
    char* base = static_cast<char*>(dsm_segment_address(segment));
    const Layout layout = layout_of(*reinterpret_cast<std::uint64_t*>(base));
    shm_mq* queue = reinterpret_cast<shm_mq*>(base + layout.queue);
    shm_mq_set_sender(queue, MyProc);
    queue_ = shm_mq_attach(queue, segment, nullptr);
  });
}

std::string Answerer::question() const {
  const char* base = static_cast<const char*>(dsm_segment_address(static_cast<dsm_segment*>(segment_)));
  const std::uint64_t length = *reinterpret_cast<const std::uint64_t*>(base);
  return {base + layout_of(length).question, length};
}

void Answerer::send(const std::string& message) {
  const char* data = message.data();
  const std::size_t length = message.size();
  call([&] {
    if (shm_mq_send(static_cast<shm_mq_handle*>(queue_), length, data, false, true) != SHM_MQ_SUCCESS) {
      ereport(FATAL, errcode(ERRCODE_QUERY_CANCELED), errmsg("nobody waits for the answer any more"));
    }
  });
}

}  // namespace etl::pg
