#include "sink/registry.hpp"

namespace etl::sink {

namespace {

using model::Kind;

// One entry an operator, sorted.
constexpr model::Operator kAll[] = {
    {"elasticsearch", Kind::kSink, "Writes documents into an index of a server; the key columns are their _id.",
     R"({"type": "object", "properties": {
    "target": {"type": "string", "minLength": 1, "description": "an index, as server:index"},
    "key_columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "a list of the columns that identify a document"}},
  "required": ["target"]})"},
    {"table", Kind::kSink,
     "Writes rows into a table of this database: a row whose key is there is updated, if it differs.",
     R"({"type": "object", "properties": {
    "target": {"type": "string", "minLength": 1, "description": "a table's name, as schema.table"},
    "key_columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "a list of the columns that identify a row; the primary key when absent"},
    "write_mode": {"type": "string", "enum": ["upsert"], "description": "\"upsert\""}},
  "required": ["target"]})"},
};

}  // namespace

std::span<const model::Operator> all() {
  return kAll;
}

const model::Operator* find(std::string_view name) {
  for (const model::Operator& sink : kAll) {
    if (sink.name == name) return &sink;
  }
  return nullptr;
}

}  // namespace etl::sink
