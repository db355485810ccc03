// Runs steps whose rows wait in relations: for one batch, or once for the whole set of rows.
//
// Each such step is one statement over the relations before it, with the steps between them as its subqueries.
// Relations outlive their transaction, as tuplestores in work_mem and then on disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/relation.hpp"
#include "pg/statement.hpp"
#include "run/plan.hpp"
#include "source/page_source.hpp"

namespace etl::run {

// What a step did, in one evaluation.
struct StepWork {
  std::string step;
  std::int64_t started_us = 0;
  std::int64_t active_us = 0;
  std::optional<std::uint64_t> rows_in;  // nothing: of a source, or not counted
  std::optional<std::uint64_t> rows_out;
  std::string figures = "{}";  // JSON object: the operator's own
};

// A row that a check has found, or a whole set of them.
struct Violation {
  std::string step;
  std::string rule;
  std::string message;
  std::optional<std::string> record;  // JSON of the row
};

class Evaluation {
 public:
  // page: the relation of plan.paged_step, which is filled by the caller; nullptr when all is evaluated.
  Evaluation(const Plan& plan, pg::Relation* page);

  // Runs all statements, in a transaction. Forgets what the last run found. An error carries its step; PE031 when a
  // check of severity fail finds anything.
  void run();
  // The same in parts: start, and then one step after the other, in the order of the graph; each in a transaction.
  void start();
  void run_one(const model::Step& step);
  pg::Relation& relation(const std::string& step) { return *relations_.at(step); }

  // What a step's violations and bad records are, as JSON, and back.
  std::string found_by(const std::string& step) const;
  void add_found(const std::string& found);

  std::vector<pg::NamedRelation> relations() const;  // filled, with their numbers of rows
  // All that a step gave but its rows, as JSON, and back: of one that another process has run.
  std::string report(const std::string& step) const;
  void add_report(const std::string& report);

  const std::vector<StepWork>& work() const { return work_; }
  const std::vector<Violation>& violations() const { return violations_; }  // those to be quarantined
  // Likewise, what could not be read of files, and with plan.each_step the rows that a step with one input failed on.
  const std::vector<source::BadRecord>& bad_records() const { return bad_records_; }

 private:
  // What a step is for every batch: nothing in it depends on rows. That its functions are still there and may be called
  // is looked at by each execution of its statements.
  struct Compiled {
    transform::Rule rule;
    std::shared_ptr<const source::Origin> origin;  // nothing: `query` gives the rows
    std::string query;                             // of a step whose rows wait in a relation
  };

  const Compiled& compiled(const model::Step& step);
  void run_step(const model::Step& step);
  void compute(const model::Step& step, const Compiled& made, StepWork& work);
  void compute_or_leave_out(const model::Step& step, const Compiled& made, StepWork& work);
  void try_out(const model::Step& step, const Compiled& made);
  void count_found(std::size_t bytes);
  void read_origin(const model::Step& step, const source::Origin& origin, pg::Relation& out);
  void check(const model::Step& step, const transform::Rule& rule, StepWork& work);
  std::string figures(const model::Step& step, const transform::Rule& rule);
  std::vector<pg::NamedRelation> named_inputs(const model::Step& step) const;
  std::optional<std::uint64_t> rows_in(const model::Step& step) const;
  pg::Relation& relation_of(const std::string& step) const;  // whose rows wait in one
  std::unique_ptr<pg::Relation> find_violations(const model::Step& step, const transform::Rule& rule);
  void fill(const model::Step& step, const Compiled& made, pg::Relation& out);
  pg::Statement& statement(const std::string& key, const std::string& sql,
                           const std::vector<pg::NamedRelation>& inputs);

  const Plan& plan_;
  pg::Relation* page_;
  std::map<std::string, std::unique_ptr<pg::Relation>> relations_;  // by step
  std::map<std::string, Compiled> compiled_;
  std::map<std::string, std::unique_ptr<pg::Statement>> statements_;
  std::vector<StepWork> work_;
  std::vector<Violation> violations_;
  std::vector<source::BadRecord> bad_records_;
  std::size_t found_bytes_ = 0;  // of the records of both
};

}  // namespace etl::run
