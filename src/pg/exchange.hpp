// A question and a stream of replies between two processes, in dynamic shared memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pg/process.hpp"

namespace etl::pg {

// The asking side. Makes the segment, starts the worker, receives messages until the worker detaches. The worker ends
// with the asker: it is terminated when the asker leaves early, be it by an error, a cancel or its own end.
class Asker {
 public:
  Asker(Task task, const std::string& question);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  bool started() const { return started_; }
  // The next message; nullopt when the worker has gone. 55P03 when the worker waits for a lock that this session holds,
  // itself or through sessions that wait for it: the deadlock detector does not see who waits for an answer.
  std::optional<std::string> receive();
  void finish();  // the last message has come: the worker may end by itself

 private:
  void refuse_own_deadlock() const;

  void* segment_ = nullptr;
  void* queue_ = nullptr;
  void* worker_ = nullptr;  // of TopMemoryContext: the segment's end outlives the caller's memory
  bool started_ = false;
};

// The answering side.
class Answerer {
 public:
  explicit Answerer(const Task& task);
  std::string question() const;
  void send(const std::string& message);

 private:
  void* segment_;
  void* queue_;
};

}  // namespace etl::pg
