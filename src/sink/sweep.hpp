// Deletes or marks the rows of a table that a run did not deliver: see compile/sweep.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "compile/sweep.hpp"
#include "pg/statement.hpp"

namespace etl::sink {

class Sweep {
 public:
  // all: the rows of the run. range_type: of the range's column, if there is one.
  Sweep(const compile::Sweep& sweep, pg::Relation& all, unsigned range_type);

  // How many rows there were, in the transaction that wrote the others.
  std::uint64_t run();
  // The rows that run() would touch, as JSON objects of texts: key, before, after.
  void list(pg::Relation& rows);
  // A relation for them.
  std::unique_ptr<pg::Relation> make_list() const;

 private:
  pg::Key bounds();

  bool has_range_;
  std::unique_ptr<pg::Statement> bounds_;
  pg::Statement sweep_;
  pg::Statement swept_;
};

}  // namespace etl::sink
