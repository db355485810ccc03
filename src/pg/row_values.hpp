// The rows of a relation as values for those who know no PostgreSQL: numbers, bytes, and texts in UTF-8, which do not
// depend on the session (TimeZone UTC, DateStyle ISO, IntervalStyle iso_8601, extra_float_digits 1, bytea_output hex).
#pragma once

#include <span>
#include <vector>

#include "core/value.hpp"
#include "pg/relation.hpp"

namespace etl::pg {

class RowValues {
 public:
  // In a transaction. wants: of each column of the relation. kInteger is for boolean, integers, date, time, timestamp
  // and timestamptz, kDouble for real and double precision, kBytes for bytea.
  RowValues(const std::vector<Column>& columns, const std::vector<Want>& wants);
  ~RowValues();
  RowValues(const RowValues&) = delete;
  RowValues& operator=(const RowValues&) = delete;

  // From the page's first row on, in its transaction.
  void start(Relation& page);
  // The next row's; empty: there is none. Valid until the next call. Errors: a type's own output function's, 22P05 for
  // a character that is not in Unicode.
  std::span<const Value> next();

  struct State;

 private:
  State* state_;
  std::vector<Value> values_;
};

// The base types that values are made of; a domain is as what it is made from.
unsigned base_type(unsigned type);

}  // namespace etl::pg
