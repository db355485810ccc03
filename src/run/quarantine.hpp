// Dead letters: rows that could not be written are kept whole, and the rest goes on.
#pragma once

#include <cstdint>

#include "core/error.hpp"
#include "pg/relation.hpp"
#include "run/context.hpp"
#include "sink/table_sink.hpp"
#include "source/sql_source.hpp"

namespace etl::run {

// The row as JSON; {"_etl_unreadable": why} when the output function of one of its types raises a data error.
std::string record_of(pg::Relation& rows, std::uint64_t index);

class Quarantine {
 public:
  explicit Quarantine(Context& context) : context_(context) {}

  // Keeps row `index` of `rows`, in the caller's transaction. Error PE030 when the run has more than max_dead_letters.
  void keep(pg::Relation& rows, std::uint64_t index, const Error& error);

  // The same for a record as JSON.
  void keep_record(const std::string& record, const Error& error);

  // Writes `page` by halves; the rows that fail alone are kept, and counted in `dead`.
  sink::Written bisect(pg::Relation& page, sink::TableSink& sink, std::uint64_t& dead);

  // Looks for rows that no page would ever reach, since a NULL is in their key or position, before the first page is
  // read: refused or kept as above, in a transaction of its own. `page` is scratch. from_start: the pass has no
  // position.
  void take_unreachable(source::SqlSource& source, pg::Relation& page, catalog::Checkpoint& checkpoint,
                        bool from_start);

  // Takes rows with a NULL key out of `page`: refused with 23502, or kept, as option null_keys says. Returns how many.
  std::uint64_t take_null_keys(pg::Relation& page);

 private:
  Context& context_;
  bool counted_ = false;  // the rows that no page reaches
};

}  // namespace etl::run
