// The sinks of a plan, by their write modes.
#pragma once

#include <memory>

#include "run/plan.hpp"
#include "sink/elastic_index.hpp"
#include "sink/page_sink.hpp"
#include "sink/sender.hpp"
#include "sink/swap.hpp"
#include "sink/sweep.hpp"

namespace etl::run {

// What ElasticSink needs of a sink that is an index.
sink::ElasticSpec elastic_spec(const Plan& plan, const SinkPlan& sink, const std::string& correlation_id);

// The sink of that number, a table of this database or a file, in the form that pays for a source of so many rows (0:
// not known).
std::unique_ptr<sink::PageSink> make_sink(const Plan& plan, std::size_t index, double source_rows);

// That of a sink outside of this database; nullptr: it is none. goes_on: rows were sent to it before. retries: of its
// own, where it has such; the loop has its own.
std::unique_ptr<sink::Sender> make_sender(const Plan& plan, std::size_t index, bool goes_on, bool retries = false);

// Of write mode replace: what puts `rows` in place of all others at once; else nullptr. Not beside other sinks: nobody
// could read the table while those are written.
std::unique_ptr<sink::Swap> make_swap(const Plan& plan, std::size_t index, pg::Relation& rows);

// What goes with the last page; nullptr: nothing does.
std::unique_ptr<sink::Sweep> make_sweep(const SinkPlan& sink, pg::Relation& rows);

}  // namespace etl::run
