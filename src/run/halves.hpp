// A batch that fails with a data error, written by halves until the rows that fail stand alone.
#pragma once

#include <cstdint>
#include <functional>

#include "core/error.hpp"
#include "pg/relation.hpp"
#include "sink/page_sink.hpp"

namespace etl::run {

using DeadRow = std::function<void(pg::Relation& rows, std::uint64_t index, const Error& error)>;

// Each half in a subtransaction of the caller's transaction. One poison row of n costs at most 2 * log2(n) + 1
// statements, with that of the caller which failed. `page` is used as scratch and holds its rows again at the end.
// Returns what was written.
sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, const DeadRow& dead);

}  // namespace etl::run
