// Dead letters: rows that could not be written are kept whole, and the rest goes on.
#pragma once

#include <cstdint>
#include <map>

#include "core/error.hpp"
#include "pg/relation.hpp"
#include "run/context.hpp"
#include "run/flow.hpp"
#include "sink/page_sink.hpp"
#include "sink/sender.hpp"

namespace etl::run {

// Why a run ends for a document that was refused.
Error refusal(const sink::DeadRow& row);

class Quarantine {
 public:
  explicit Quarantine(Context& context) : context_(context) {}

  // Keeps a record, as JSON, that step error.step (the sink, if that is empty) cannot take, in the caller's
  // transaction. Error PE030 when the run has more than max_dead_letters.
  void keep_record(const std::string& record, const Error& error);

  // Keeps the rows that a sink left out by itself; how many.
  std::uint64_t take_left_out(pg::Relation& page, const std::vector<sink::LeftOut>& rows, const std::string& step);
  // Keeps the rows that an index or another server refused; without on_error "quarantine" the first one is thrown.
  std::uint64_t take_refused(pg::Relation& page, const std::vector<sink::DeadRow>& rows, const std::string& step);
  // Writes `page` to that sink of the plan by halves (write_by_halves); the dead rows are kept, and counted in `dead`.
  sink::Written bisect(pg::Relation& page, sink::PageSink& sink, std::size_t number, std::uint64_t& dead);

  // Looks for rows that no page would ever reach, since a NULL is in their key or position, before the first page is
  // read: refused or kept as above, in a transaction of its own. `page` is scratch. from_start: the pass has no
  // position.
  void take_unreachable(Flow& flow, catalog::Checkpoint& checkpoint, bool from_start);

  // Runs the steps on the batch that `flow` has read, and takes out of it what can go nowhere: rows with a NULL key,
  // and what checks find. Returns how many.
  std::uint64_t take_out(Flow& flow);

  // The last error was its own: it refused rows.
  bool refused() const { return refused_; }

 private:
  // Takes rows with a NULL key out of `page`: refused with 23502, or kept, as option null_keys says. Returns how many.
  std::uint64_t take_null_keys(pg::Relation& page, const std::string& step);
  std::uint64_t take_bad_records(const std::vector<source::BadRecord>& records);
  // Keeps what checks have found. Returns how many rows that were.
  std::uint64_t take_violations(const std::vector<Violation>& violations);
  void save_found(catalog::Checkpoint& checkpoint, std::int64_t started_us, std::uint64_t dead, const char* phase);

  Context& context_;
  bool refused_ = false;
  std::map<std::size_t, int> copies_;  // of the batch: how often a record of a step was kept, by its hash
  std::int64_t uncounted_ = 0;         // so many letters may be kept before they are counted again
  std::uint64_t kept_ = 0;             // dead letters that the run had not kept before
};

}  // namespace etl::run
