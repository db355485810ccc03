// A saved plan that reads from relations by name and writes into a relation or a table: how every batch is moved.
//
// Parameters are typed; their values are given as text and read by the type's input function, so that an index on the
// column serves `key > $1`. Runs with the rights and the search_path of the session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pg/relation.hpp"

namespace etl::pg {

struct NamedRelation {
  std::string name;  // the name that the SQL uses in FROM
  Relation* relation;
  double rows = 1;  // as many the planner expects; of one it probes the target's index (internals.md 16)
};

// What the planner must do; set while a plan is made, never while it runs (internals.md 16).
enum class Planning {
  kFree,
  kOrdered,     // prefer an index that delivers the order to a sort
  kIndexProbe,  // the relation is one row: nested loop with an index scan on the target
  kKeyRange,    // the target is bounded by parameters on its key: one index range scan, joined by merge or hash
};

struct Modified {
  std::uint64_t selected = 0;
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;
  std::uint64_t deleted = 0;
};

// What is read while it lives is read in one snapshot, that of the first statement, whatever the isolation level. In a
// transaction; one at a time. Later statements look at no other tables.
class SameSnapshot {
 public:
  SameSnapshot();
  ~SameSnapshot();
  SameSnapshot(const SameSnapshot&) = delete;
  SameSnapshot& operator=(const SameSnapshot&) = delete;
};

class Statement {
 public:
  // Parses and analyses; errors are the parser's own. Must run inside a transaction.
  Statement(const std::string& sql, const std::vector<unsigned>& parameter_types,
            const std::vector<NamedRelation>& inputs, Planning planning);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  const std::vector<Column>& columns() const { return columns_; }
  const std::string& sql() const { return sql_; }

  // Appends the rows of a SELECT to `out` (not cleared).
  void read(Relation& out, const Key& parameters = {});
  // Whether a SELECT finds a row.
  bool finds_any(const Key& parameters = {});
  // Runs INSERT, UPDATE, DELETE or MERGE.
  Modified modify(const Key& parameters = {});

  // Whether an INSERT writes many rows at a time (pg/bulk_insert.hpp); and, of one that does, into a table that will
  // take its target's place (pg/table_swap.hpp): how many rows.
  bool inserts_in_bulk();
  std::uint64_t fill(unsigned file);
  // Whether a page costs no more than its rows: an index delivers the order and nothing is computed anew for each page.
  bool pages_are_cheap();
  // EXPLAIN of the generic plan, a line each.
  std::vector<std::string> explain();
  double estimated_rows();

  struct Plan;

 private:
  std::string sql_;
  std::vector<NamedRelation> inputs_;
  std::vector<Column> columns_;
  Plan* plan_;
};

}  // namespace etl::pg
