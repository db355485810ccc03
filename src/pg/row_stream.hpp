// The rows of a relation as messages between two processes of a database: its tuples as they lie in memory, so that
// nothing is converted.
#pragma once

#include <string>
#include <vector>

#include "pg/relation.hpp"

namespace etl::pg {

// Whether rows can go there: what a type is, its OID says. Of a composite type it does not: it may be altered, and of
// type record one session knows the shape only.
bool can_stream(const std::vector<Column>& columns);

class RowStream {
 public:
  explicit RowStream(Relation& rows);

  // The next rows, a quarter of a megabyte of them or one row. False: there are no more.
  bool next(std::string& message);

 private:
  Relation& rows_;
  bool held_ = false;  // the row that was read last did not fit into the message before
};

// To the end of a relation of the same columns.
void append_rows(const std::string& message, Relation& to);

}  // namespace etl::pg
