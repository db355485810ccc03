// The steps of a definition, planned: the graph, the way of the rows, what is read and where it goes.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// The graph of a definition with steps, analysed. Throws everything that is wrong with them as one error.
Graph make_graph(const model::Definition& definition);
// What a sink's params say, its target not looked at.
SinkPlan sink_of(const model::Definition& definition, const Graph& graph, const model::Step& step);

// Of a definition with steps. Throws everything that is wrong with them as one error.
void plan_steps(Plan& plan, unsigned owner);

}  // namespace etl::run
