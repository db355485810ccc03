#include "pg/exchange.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
}

namespace etl::pg {

namespace {

constexpr std::size_t kQueueBytes = 65536;

// The segment: this, the question, then the queues.
struct Head {
  std::uint64_t question_length;
  int asker;                        // pid; 0: fail() interrupts nobody
  volatile std::int64_t failed_us;  // when the answerer failed; 0: it did not
};

struct Layout {
  std::size_t question;
  std::size_t answers;
  std::size_t messages;
  std::size_t total;
};

Layout layout_of(std::size_t question_length) {
  Layout layout{};
  layout.question = MAXALIGN(sizeof(Head));
  layout.answers = MAXALIGN(layout.question + question_length);
  layout.messages = layout.answers + kQueueBytes;
  layout.total = layout.messages + kQueueBytes;
  return layout;
}

// C only.
Head* head_of(void* segment) {
  return static_cast<Head*>(dsm_segment_address(static_cast<dsm_segment*>(segment)));
}

// C only.
shm_mq_result send_to(shm_mq_handle* queue, Size length, const char* data, bool nowait) {
  return shm_mq_send(queue, length, data, nowait, true);
}

// C only.
void want_asker(shm_mq_result result) {
  if (result == SHM_MQ_SUCCESS) return;
  ereport(FATAL, errcode(ERRCODE_QUERY_CANCELED), errmsg("nobody waits for the answer any more"));
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
    MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_etl blockers", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(scratch);
    ArrayType* found = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid)));
    const int length = ArrayGetNItems(ARR_NDIM(found), ARR_DIMS(found));
    for (pids.count = 0; pids.count < Min(length, 64); ++pids.count) {
      pids.pid[pids.count] = reinterpret_cast<int32*>(ARR_DATA_PTR(found))[pids.count];
    }
    MemoryContextSwitchTo(outer);
    MemoryContextDelete(scratch);
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
  started_ = call([&] {
    dsm_segment* segment = dsm_create(layout.total, 0);
    char* base = static_cast<char*>(dsm_segment_address(segment));
    std::memset(base, 0, layout.answers);
    *head_of(segment) = {length, MyProcPid, 0};
    std::memcpy(base + layout.question, text, length);
    shm_mq* answers = shm_mq_create(base + layout.answers, kQueueBytes);
    shm_mq_set_receiver(answers, MyProc);
    shm_mq* messages = shm_mq_create(base + layout.messages, kQueueBytes);
    shm_mq_set_sender(messages, MyProc);
    segment_ = segment;
    task.exchange = dsm_segment_handle(segment);
    BackgroundWorkerHandle* handle = nullptr;
    MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
    const bool started = start_answerer(task, reinterpret_cast<void**>(&handle));
    MemoryContextSwitchTo(outer);
    if (!started) return false;
    worker_ = handle;
    on_dsm_detach(segment, stop_answerer, PointerGetDatum(handle));
    dsm_pin_mapping(segment);
    outer = MemoryContextSwitchTo(TopMemoryContext);
    answers_ = shm_mq_attach(answers, segment, handle);
    messages_ = shm_mq_attach(messages, segment, handle);
    MemoryContextSwitchTo(outer);
    return true;
  });
}

Asker::~Asker() {
  if (segment_ == nullptr) return;
  ignore_failure();
  if (answers_ != nullptr) shm_mq_detach(static_cast<shm_mq_handle*>(answers_));
  if (messages_ != nullptr) shm_mq_detach(static_cast<shm_mq_handle*>(messages_));
  dsm_detach(static_cast<dsm_segment*>(segment_));
}

std::optional<std::string> Asker::receive() {
  struct Message {
    shm_mq_result result;
    Size length;
    void* data;
  };
  for (;; wait()) {
    const Message message = call([&] {
      Message m{};
      m.result = shm_mq_receive(static_cast<shm_mq_handle*>(answers_), &m.length, &m.data, true);
      return m;
    });
    if (message.result == SHM_MQ_DETACHED) return std::nullopt;
    if (message.result == SHM_MQ_SUCCESS) return std::string(static_cast<const char*>(message.data), message.length);
  }
}

bool Asker::send(const std::string& message) {
  const char* data = message.data();
  const std::size_t length = message.size();
  for (;; wait()) {
    const shm_mq_result result =
        call([&] { return send_to(static_cast<shm_mq_handle*>(messages_), length, data, true); });
    if (result != SHM_MQ_WOULD_BLOCK) return result == SHM_MQ_SUCCESS;
  }
}

std::int64_t Asker::failed_us() const {
  return head_of(segment_)->failed_us;
}

void Asker::ignore_failure() {
  LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
  head_of(segment_)->asker = 0;
  LWLockRelease(ProcArrayLock);
}

// Until the worker has done something, or long enough to see whether it can.
void Asker::wait() const {
  const bool woken = call([&] {
    const int events =
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, DeadlockTimeout, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    return (events & WL_LATCH_SET) != 0;
  });
  if (!woken) refuse_own_deadlock();
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
    const Layout layout = layout_of(head_of(segment)->question_length);
    shm_mq* answers = reinterpret_cast<shm_mq*>(base + layout.answers);
    shm_mq_set_sender(answers, MyProc);
    answers_ = shm_mq_attach(answers, segment, nullptr);
    shm_mq* messages = reinterpret_cast<shm_mq*>(base + layout.messages);
    shm_mq_set_receiver(messages, MyProc);
    messages_ = shm_mq_attach(messages, segment, nullptr);
  });
}

std::string Answerer::question() const {
  const char* base = static_cast<const char*>(dsm_segment_address(static_cast<dsm_segment*>(segment_)));
  const std::uint64_t length = head_of(segment_)->question_length;
  return {base + layout_of(length).question, length};
}

std::string Answerer::receive() {
  struct Message {
    Size length;
    void* data;
  };
  const Message message = call([&] {
    Message m{};
    want_asker(shm_mq_receive(static_cast<shm_mq_handle*>(messages_), &m.length, &m.data, false));
    return m;
  });
  return {static_cast<const char*>(message.data), message.length};
}

void Answerer::send(const std::string& message) {
  const char* data = message.data();
  const std::size_t length = message.size();
  call([&] { want_asker(send_to(static_cast<shm_mq_handle*>(answers_), length, data, false)); });
}

// Under the lock that guards the list of processes, so that the signal meets the asker or nobody.
void Answerer::fail() {
  call([&] {
    Head* head = head_of(segment_);
    head->failed_us = GetCurrentTimestamp();
    LWLockAcquire(ProcArrayLock, LW_SHARED);
    if (head->asker != 0 && BackendPidGetProcWithLock(head->asker) != nullptr) (void)kill(head->asker, SIGINT);
    LWLockRelease(ProcArrayLock);
  });
}

}  // namespace etl::pg
