#include "pg/exchange.hpp"

#include <cstring>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "utils/resowner.h"
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
    if (!start_answerer(task, reinterpret_cast<void**>(&handle))) return false;
    worker_ = handle;
    queue_ = shm_mq_attach(queue, segment, handle);
    return true;
  });
}

Asker::~Asker() {
  if (segment_ != nullptr) dsm_detach(static_cast<dsm_segment*>(segment_));
}

std::optional<std::string> Asker::receive() {
  struct Message {
    bool some;
    Size length;
    void* data;
  };
  const Message message = call([&] {
    Message m{};
    m.some = shm_mq_receive(static_cast<shm_mq_handle*>(queue_), &m.length, &m.data, false) == SHM_MQ_SUCCESS;
    return m;
  });
  if (!message.some) return std::nullopt;
  return std::string(static_cast<const char*>(message.data), message.length);
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
