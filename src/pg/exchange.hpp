// A question and a stream of replies between two processes, in dynamic shared memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pg/process.hpp"

namespace etl::pg {

// The asking side. Makes the segment, starts the worker, receives messages until the worker detaches.
class Asker {
 public:
  Asker(Task task, const std::string& question);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  bool started() const { return started_; }
  // The next message; nullopt when the worker has gone.
  std::optional<std::string> receive();

 private:
  void* segment_ = nullptr;
  void* queue_ = nullptr;
  void* worker_ = nullptr;
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
