// A question, and a stream of messages each way, between two processes, in dynamic shared memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pg/process.hpp"

namespace etl::pg {

// The asking side. Makes the segment, starts the worker, receives messages until the worker detaches. The worker ends
// with the asker: it is terminated when the asker leaves early, be it by an error, a cancel or its own end.
//
// It needs no transaction, and outlives those that end. Both wait for the other, and raise 55P03 when the worker waits
// for a lock that this session holds, itself or through sessions that wait for it: the deadlock detector does not see
// who waits for an answer.
class Asker {
 public:
  Asker(Task task, const std::string& question);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  bool started() const { return started_; }
  bool send(const std::string& message);  // false: the worker has gone
  std::optional<std::string> receive();   // nullopt: the worker has gone
  void finish();                          // the last message has come: the worker may end by itself
  std::int64_t failed_us() const;         // when the worker called fail(); 0: it did not
  void ignore_failure();                  // from here on fail() interrupts nothing

 private:
  void wait() const;
  void refuse_own_deadlock() const;

  void* segment_ = nullptr;
  void* answers_ = nullptr;
  void* messages_ = nullptr;
  void* worker_ = nullptr;  // of TopMemoryContext: the segment's end outlives the caller's memory
  bool started_ = false;
};

// The answering side.
class Answerer {
 public:
  explicit Answerer(const Task& task);
  std::string question() const;
  std::string receive();  // ends the process when the asker has gone, as send() does
  void send(const std::string& message);
  // Before an error is sent: interrupts what the asker does meanwhile, as a cancel does.
  void fail();

 private:
  void* segment_;
  void* answers_;
  void* messages_;
};

}  // namespace etl::pg
