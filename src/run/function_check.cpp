#include "run/function_check.hpp"

#include "catalog/pipelines.hpp"
#include "core/error.hpp"
#include "core/quote.hpp"
#include "pg/function.hpp"
#include "pg/role.hpp"
#include "run/python_check.hpp"

namespace etl::run {

void check_function(const std::string& signature) {
  const pg::RowFunction function = pg::find_row_function(signature);
  const pg::RoleId owner = pg::current_role();
  const std::string role = pg::role_name(owner);
  if (!catalog::is_function_allowed(function.signature, owner)) {
    throw Error("42501", "function " + function.signature + " is not allowed for role \"" + role + "\"",
                "No entry of etl.allowed_functions matches it.",
                "A superuser or the database's owner can run: SELECT etl.allow_function(" +
                    quote_literal(function.signature) + ", " + quote_literal(quote_name(role)) + ");");
  }
  if (pg::may_execute(owner, function.oid)) return check_python(function.oid);
  throw Error("42501", "function " + function.signature + " is not executable by role \"" + role + "\"", {},
              "Run: GRANT EXECUTE ON FUNCTION " + function.signature + " TO " + quote_name(role) + ";");
}

}  // namespace etl::run
