// The sinks of a plan in this database, by their write modes.
#pragma once

#include <memory>

#include "run/plan.hpp"
#include "sink/page_sink.hpp"
#include "sink/sweep.hpp"

namespace etl::run {

// The sink of that number, a table or a file, in the form that pays for a source of so many rows (0: of pages in
// another order).
std::unique_ptr<sink::PageSink> make_sink(const Plan& plan, std::size_t index, double source_rows);

// What follows the last page; nullptr: nothing does.
std::unique_ptr<sink::Sweep> make_sweep(const SinkPlan& sink, pg::Relation& rows);

}  // namespace etl::run
