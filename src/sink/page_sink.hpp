// What the loop of batches into this database writes pages to, in the batch's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "pg/relation.hpp"

namespace etl::sink {

struct Written {
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t superseded = 0;  // rows of the batch that a later row with the same key replaced
};

// A row that a sink left out by itself.
struct LeftOut {
  std::uint64_t index = 0;  // in the page, from 0
  Error error;
};

class PageSink {
 public:
  virtual ~PageSink() = default;

  // Prepares for pages of this shape, in a transaction.
  virtual void open(pg::Relation& page) = 0;
  virtual Written write(pg::Relation& page) = 0;
  // The next write takes the form that also holds against concurrent inserts; false when there is no other form.
  virtual bool use_on_conflict() { return false; }
  virtual void use_merge() {}

  // Whether rows of the page may be versions of one row: then a later one must not be written before an earlier one.
  virtual bool has_versions() const { return false; }

  // Of the page written last, by a sink that knows by itself which rows it cannot take.
  virtual const std::vector<LeftOut>& left_out() const { return none_; }
  virtual bool leaves_out() const { return false; }
  // Makes what was written seen, where a commit does not: all else that could fail is done.
  virtual void publish() {}
  // For etl.step_runs: a JSON object.
  virtual std::string figures() const { return "{}"; }

  virtual std::vector<std::string> explain() = 0;
  virtual const std::string& sql() = 0;

 private:
  std::vector<LeftOut> none_;
};

}  // namespace etl::sink
