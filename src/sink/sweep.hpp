// Deletes or marks the rows of a table that a run did not deliver: see compile/sweep.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compile/sweep.hpp"
#include "pg/statement.hpp"

namespace etl::sink {

class Sweep {
 public:
  // all: the rows of the run. range_type: of the range's column, if there is one. The parser's errors come now.
  Sweep(compile::Sweep sweep, pg::Relation& all, unsigned range_type);

  // Rows that were put aside before they came here, as JSON: what the target has under their keys stays. False: what
  // their keys are is not known of all.
  bool keep(const std::vector<std::string>& records);

  // How many rows there were, in the transaction that wrote the others.
  std::uint64_t run();
  // The rows that run() would touch, as JSON objects of texts: key, before, after.
  std::unique_ptr<pg::Relation> list();

 private:
  pg::Key bounds();
  // Made when the rows are there: of as few as the planner takes an empty relation for, it would read them anew for
  // each row of the target.
  pg::Statement prepare(const std::string& sql, bool bounded);

  compile::Sweep sweep_;
  pg::Relation& all_;
  pg::Relation kept_;  // keys
  std::vector<unsigned> bound_types_;
};

}  // namespace etl::sink
