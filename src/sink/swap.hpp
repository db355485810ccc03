// Replaces all rows of a table by a new file that takes the old one's place (pg/table_swap.hpp), where that pays and
// makes nobody wait; where it does not, the caller deletes and upserts in place, which writes only what differs.
//
// It pays for 1 MB and more when most rows of a sample differ from what the table holds, or most of the table goes:
// docs/decisions/0013-replace.md has the measurements.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "compile/upsert.hpp"
#include "sink/last_of_key.hpp"
#include "sink/page_sink.hpp"

namespace etl::sink {

struct Replaced {
  Written written;
  std::uint64_t deleted = 0;
};

class Swap {
 public:
  // rows: those of a run. The upsert writes all columns of the table, or try_run() does nothing.
  Swap(compile::Upsert upsert, unsigned table, std::size_t columns, pg::Relation& rows);

  // In the batch's transaction. Nothing: the table is as it was.
  std::optional<Replaced> try_run();

 private:
  bool pays();
  bool writes_whole_rows() const;
  std::optional<Replaced> replace(pg::Relation& rows);

  compile::Upsert upsert_;
  unsigned table_;
  std::size_t columns_;
  pg::Relation& rows_;
  LastOfKey last_of_key_;
};

}  // namespace etl::sink
