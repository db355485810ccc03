// A transform is a SQL rule: text in, text out. It gets its params and the columns of its inputs, and gives one SELECT
// over them; PostgreSQL plans and runs it, for a batch or for the whole set of rows. One file and one entry in
// registry.cpp each.
//
// A rule's SQL runs in the owner's session under the owner's search_path: functions are named pg_catalog.f, operators
// OPERATOR(pg_catalog.=), types by what Column::type says (docs/decisions/0007); only what the user wrote is as he
// wrote it. Every rule names the columns of its output, in the order of its input where it can.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "model/operator.hpp"

namespace etl::transform {

struct Column {
  std::string name;
  std::string type;              // as SQL: integer, numeric(10,2), public.mood
  std::string bare_type = type;  // without its modifier: numeric. A cast to it neither cuts nor rounds
  // Of the type's default btree operator class, as OPERATOR(schema.name); the bare name if there is no class.
  std::string equal = "OPERATOR(pg_catalog.=)";
  std::string less = "OPERATOR(pg_catalog.<)";
  std::string base_type = type;  // what a domain, or an array of a domain, is made of; otherwise the same
  std::string bare_base_type = bare_type;
  bool deterministic = true;  // its collation: where it is not, a pattern wants another one
};

struct Input {
  std::string id;    // of the step whose rows these are
  std::string from;  // what stands behind FROM: use it once, for it may be a subquery. Its alias is quote_name(id)
  std::vector<Column> columns;  // with unique names
};

// A function that takes rows and returns rows.
struct Function {
  std::string name;                  // as SQL, qualified
  std::string argument;              // a composite type as SQL, qualified …
  std::vector<std::string> columns;  // … with these columns
  bool of_array = false;             // it takes an array of them
};

struct Call {
  std::string_view step;  // id
  const json::Value& params;
  std::vector<Input> inputs;  // in the order of depends_on
  std::int64_t batch_size = 5000;
  // By name and type of its argument: app.score(app.row_in[]). Errors: 42883 and what makes it no such function.
  std::function<Function(const std::string&)> look_up_function = {};
};

// What becomes of the rows that a check finds.
enum class Severity { kNone, kWarn, kQuarantine, kFail };

struct Rule {
  std::string sql;
  // One row, a column for each figure, over the inputs (by id) and the relation `output`; empty: none. Run for
  // etl.step_runs only.
  std::string figures = {};
  // The rows that break a rule: SELECT rule text, message text, record text (row_to_json of the input's row, NULL where
  // the rule is about all of them). Empty: no rule.
  std::string violations = {};
  Severity severity = Severity::kNone;
};

// params hold to the operator's schema. Errors: 42703 for a column that the input lacks, 22023 for what the schema
// cannot say.
struct Transform {
  model::Operator about;
  std::size_t least_inputs;
  std::size_t most_inputs;
  Rule (*compile)(const Call& call);
};

}  // namespace etl::transform
