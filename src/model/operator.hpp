// What a step does, described: the entries of etl.operators. Each operator's own file has its entry.
#pragma once

#include <string_view>

namespace etl::model {

enum class Kind { kSource, kTransform, kSink };
std::string_view name(Kind kind);

struct Operator {
  std::string_view name;
  Kind kind;
  std::string_view description;
  // A JSON schema of type object. A string's "format" says what is checked beyond it: "query" (one SELECT),
  // "expression" (SQL that may stand in parentheses), "type" and "table" (the name of one), "function" (one with its
  // argument types, on the allow-list).
  std::string_view params_schema;
  std::string_view of_batch = {};  // what it means for a batch of an incremental pipeline or a stream …
  std::string_view of_set = {};    // … and for the whole set of rows of a full one; empty: row by row, the same
};

}  // namespace etl::model
