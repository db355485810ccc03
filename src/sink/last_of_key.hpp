// Of the rows of a batch whose keys are equal in the target only the last one goes on: it wins, as if they had been
// written one by one.
#pragma once

#include <memory>

#include "compile/upsert.hpp"
#include "pg/relation.hpp"
#include "pg/statement.hpp"

namespace etl::sink {

class LastOfKey {
 public:
  // page: the relation that reduce() will be called with, again and again. Both, page and upsert, must outlive this.
  LastOfKey(pg::Relation& page, const compile::Upsert& upsert);

  // Whether keys of the page may come again.
  bool may_reduce() const { return page_.repeats_keys() || upsert_.keys_may_merge; }

  // The page itself when its keys are known to be different, otherwise the last rows of each key, in source order.
  pg::Relation& reduce();
  pg::Relation& reduced() { return *reduced_; }

 private:
  pg::Relation& page_;
  const compile::Upsert& upsert_;
  std::unique_ptr<pg::Relation> reduced_;
  std::unique_ptr<pg::Statement> statement_;  // made when it is needed first
};

}  // namespace etl::sink
