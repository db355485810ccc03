// The steps of a pipeline as SQL: which columns each gives, and the statements that compute them.
//
// A step with one consumer is a subquery of it, so that the planner sees the whole as one statement; one with several
// is a WITH query, computed once. A step whose rows wait in a relation (`relations`) is read from there, under the name
// that relation_name() gives: such names are ours, so that a step sees its own inputs only.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/steps.hpp"
#include "pg/analyze.hpp"
#include "source/origin.hpp"
#include "transform/transform.hpp"

namespace etl::run {

class Graph {
 public:
  using Relations = std::set<std::string>;  // ids of steps

  // steps: their operators, kinds and params were checked; a graph of such with findings can be analysed only.
  Graph(model::Steps steps, std::int64_t batch_size);

  // Finds the columns of every step by parse analysis, in the session's rights and search_path: of the step alone, over
  // inputs without rows; of a sink, of the whole before it. Steps that `findings` names already, and what depends on
  // them, are left out. What cannot be analysed is added to `findings`, and the graph is of no use.
  void analyze(std::vector<model::Finding>& findings);

  const model::Steps& steps() const { return steps_; }  // in an order in which each comes after its inputs
  const model::Step& step(const std::string& id) const;
  bool has(const std::string& id) const { return index_.contains(id); }
  std::vector<const model::Step*> sinks() const;
  const std::vector<pg::Column>& columns(const std::string& id) const;  // of a sink: those that it takes
  const pg::Analysis& analysis(const std::string& id) const { return analyses_.at(id); }
  // Of the SELECT for what breaks the rules of a step, by step; without those that have no rule.
  const std::map<std::string, pg::Analysis>& rules() const { return rules_; }

  // The SELECT for a step's rows; of a sink, for the rows that it takes.
  std::string query(const std::string& id, const Relations& relations = {}) const;
  // Of a registered sink: the SELECT that gives it the rows of the relation `input`.
  std::string sink_call(const std::string& id) const;
  transform::Rule rule(const model::Step& step, const Relations& relations) const;
  // Of a source that is no SELECT; nullptr: of one that is.
  std::shared_ptr<const source::Origin> origin(const model::Step& step) const;
  std::string relation_name(const std::string& id) const;
  // The relations from which query(id, relations) reads, each once.
  std::vector<std::string> inputs(const std::string& id, const Relations& relations) const;
  std::string shape(const std::string& id) const;      // its columns: two that are written alike are alike
  std::size_t consumers(const std::string& id) const;  // how many steps take its rows

 private:
  transform::Input input(const std::string& id, const Relations& relations) const;
  std::string no_rows(const std::string& id) const;
  std::string over_no_rows(const model::Step& step, const std::string& sql) const;
  pg::Analysis analyze(const model::Step& step, const transform::Rule& rule, std::string transform::Rule::*sql) const;
  void analyze_step(const model::Step& step);
  transform::Rule sink_rule(const model::Step& step, const Relations& relations) const;
  void collect_shared(const std::string& id, const Relations& relations, std::set<std::string>& shared) const;
  std::string with_shared(const std::string& id, const Relations& relations, const std::string& sql) const;

  model::Steps steps_;
  std::int64_t batch_size_;
  std::map<std::string, std::size_t> index_;      // of a step in steps_
  std::map<std::string, std::size_t> consumers_;  // how many steps take its rows
  Relations all_;
  std::map<std::string, pg::Analysis> analyses_;
  std::map<std::string, pg::Analysis> rules_;
  std::map<std::string, std::string> no_rows_;  // a SELECT without rows, of a source that is none
};

}  // namespace etl::run
