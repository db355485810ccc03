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
     "Writes rows into a table of this database. upsert: a row whose key is there is updated, if it differs; append: "
     "each row is inserted; replace: the others are deleted; replace_range: the others in a range of a column are; "
     "soft_delete: the others are marked in is_deleted and deleted_at; scd2: a row for each version, from valid_from "
     "to valid_to, and is_current.",
     R"({"type": "object", "properties": {
    "target": {"type": "string", "minLength": 1, "description": "a table's name, as schema.table"},
    "key_columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "a list of the columns that identify a row; the primary key when absent"},
    "write_mode": {"type": "string", "enum": ["upsert", "append", "replace", "replace_range", "soft_delete", "scd2"],
                   "description": "upsert when absent"},
    "range": {"type": "object", "properties": {
        "column": {"type": "string", "minLength": 1},
        "from": {"type": "string", "format": "expression", "minLength": 1},
        "to": {"type": "string", "format": "expression", "minLength": 1}}, "required": ["column"],
      "description": "of replace_range: a column, and expressions from which on and below which; the smallest to the largest value of a run when absent"}},
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
