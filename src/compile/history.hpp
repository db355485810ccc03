// The SQL that keeps a row for each version of a key (slowly changing dimension, type 2): the version that holds has no
// end; one that differs from the input ends now, and another begins.
#pragma once

#include <string>

#include "compile/upsert.hpp"

namespace etl::compile {

struct History {
  Upsert upsert;
  std::string valid_from;
  std::string valid_to;
  std::string is_current;  // boolean; empty: the target has no such column
};

// In this order, in one transaction. A batch that is run again changes nothing.
std::string end_versions_sql(const History& history);
std::string begin_versions_sql(const History& history);
// Before the two, where a part of the batch is written already: a version that began in this transaction would end when
// it began, and another begin then, too; it takes the input's values instead. Empty: there is none but keys.
std::string amend_versions_sql(const History& history);

}  // namespace etl::compile
