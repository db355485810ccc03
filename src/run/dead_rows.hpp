// Rows that something fails on with a data error: found by halves, until those that fail stand alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "pg/relation.hpp"
#include "sink/page_sink.hpp"

namespace etl::run {

// row: a relation of that one. index: in the page, from 0.
using DeadRow = std::function<void(pg::Relation& row, std::uint64_t index, const Error& error)>;
using Attempt = std::function<void()>;

// What it fails with, in a subtransaction of which nothing stays then; nothing: it succeeds. A cancel goes on to the
// caller.
std::optional<Error> failure_of(const Attempt& run);

// `page` is known to fail whole. `attempt` gets its rows in parts, as those of `page`, each in a subtransaction of the
// caller's transaction; what it throws must be a data error, or goes on to the caller. One row of n that fails costs at
// most 2 * log2(n) + 1 attempts, with that of the caller. `page` holds its rows again at the end.
void by_halves(pg::Relation& page, const Attempt& attempt, const DeadRow& dead);

// Runs `rest` on `input`, on which `attempt` is known to fail, without the rows that it fails on; `input` holds all of
// them again behind it. False: there are none such, it fails on rows together; then `input` is of no more use.
// row_by_row: what it makes of a row does not depend on the others; else a row that fails alone must fail among those
// that pass, too, and that is its error.
// PE030 when there are more than `most`.
bool leave_out(pg::Relation& input, bool row_by_row, std::int64_t most, const Attempt& attempt, const DeadRow& dead,
               const Attempt& rest);

// Writes to a sink by halves what it is known to fail on. Returns what was written. A row that refers to others of the
// page (23503) is dead when it fails among all that could be written. sole: no other sink gets what the target needs,
// so that what waits for the end of the transaction is checked, too; of rows that break such a check together the first
// ones are written. Where keys come again in the page no row waits for others: it could be an older version by then.
sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, bool sole, const DeadRow& dead);

// The row as JSON; {"_etl_unreadable": why} when the output function of one of its types raises a data error.
std::string record_of(pg::Relation& rows, std::uint64_t index);

}  // namespace etl::run
