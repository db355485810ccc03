// Functions that take rows: what operator `function` and registered operators call.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace etl::pg {

struct RowFunction {
  unsigned oid = 0;
  std::string signature;             // qualified, with its argument's type: app.score(app.row_in[])
  std::string name;                  // quoted and qualified
  std::string argument;              // a composite type, quoted and qualified …
  std::vector<std::string> columns;  // … with these columns
  bool of_array = false;             // it takes an array of them
};

// Looks a function up as regprocedure does, by name and types of its arguments, with the session's search_path. Errors:
// 42883 there is none, 22P02 and 42704 the text cannot be read, 42809 no plain function, 22023 it does not take rows as
// one argument or does not return columns with names.
RowFunction find_row_function(const std::string& signature);

// What a registered operator calls, by its signature. Errors: as above; 22023 unless it is
//   source      f(params jsonb), which returns columns with names
//   transform   f(rows t[], params jsonb), likewise; t is a composite type
//   sink        f(rows t[], params jsonb)
enum class OperatorUse { kSource, kTransform, kSink };
RowFunction find_operator_function(const std::string& signature, OperatorUse use);

// Whether the planner can say nothing of a call of it: volatile, or in a procedural language.
bool is_opaque(unsigned function);

// Whether `role` has EXECUTE on it.
bool may_execute(unsigned role, unsigned function);

// Qualified, as the allow-list has it; nullopt when there is no such function.
std::optional<std::string> function_signature(unsigned function);

}  // namespace etl::pg
