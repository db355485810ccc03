// A sink outside of this database that takes a batch whole, before the batch's checkpoint is committed: an index beside
// other sinks, a table of another server.
//
//   begin; read page; sender.start(); sender.encode(page, version); commit
//   Delivered delivered = sender.deliver(intent);            // no transaction
//   begin; dead letters, if any; commit
//   sender.commit();                                         // no transaction
//   begin; what other sinks write; counters, checkpoint; commit
//
// A batch whose checkpoint was not committed is delivered again, under a higher version; it must change nothing then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "pg/relation.hpp"

namespace etl::sink {

struct DeadRow {
  std::uint64_t index = 0;  // of the row in its page
  Error error;              // PE010, PE011, or what the row's own types raised
  std::string document;     // as it was sent; empty if it could not be encoded
};

// Which batch it is.
struct Intent {
  std::string run;  // its correlation id
  int slice = 0;
  std::int64_t epoch = 0;
  std::int64_t batch_no = 0;
  std::string record;  // what this database is to save with the batch, as JSON
};

struct Delivered {
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t superseded = 0;
  std::vector<DeadRow> dead;
  // By the loop: how many dead rows were kept, and how long it took.
  std::uint64_t refused = 0;
  std::int64_t active_us = 0;
};

class Sender {
 public:
  virtual ~Sender() = default;

  // Reaches the server. No transaction is open.
  virtual void open() = 0;
  // The next encode() may send, as far as that takes no waiting; its deliver() must follow at once.
  virtual void start() {}
  // In the page's transaction.
  virtual void encode(pg::Relation& page, std::int64_t version) = 0;
  // Those that were encoded: DeadRow::index counts in them.
  virtual pg::Relation& rows() = 0;
  // Waits until all rows have their outcome. No transaction is open. Throws what is to be tried again, or not.
  virtual Delivered deliver(const Intent& intent) = 0;
  // The dead rows are kept: what was delivered may be seen.
  virtual void commit() {}

  // Instead of deliver() and commit(), of rows that are of no batch: all of them, or the error of one.
  virtual void send_alone() {
    const Delivered delivered = deliver({});
    if (!delivered.dead.empty()) throw Error(delivered.dead.front().error);
    commit();
  }

  // The batch of that run and slice that was committed last, where the sink knows.
  struct Last {
    std::int64_t batch_no = 0;
    std::string record;
    std::uint64_t inserted = 0;
    std::uint64_t updated = 0;
    std::uint64_t superseded = 0;
    std::uint64_t refused = 0;
  };
  virtual std::optional<Last> last(const Intent&) { return std::nullopt; }
};

}  // namespace etl::sink
