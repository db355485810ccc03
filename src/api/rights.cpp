// etl.allow_target, etl.allow_function, etl.grant_pipeline and their opposites; the validator of wrapper etl.
#include <algorithm>

#include "api/open.hpp"
#include "catalog/operators.hpp"
#include "catalog/pipelines.hpp"
#include "core/nearest.hpp"
#include "core/server_limits.hpp"
#include "http/url.hpp"
#include "pg/function.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "remote/postgres_url.hpp"
#include "run/registered.hpp"

extern "C" {
#include "access/reloptions.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
}

namespace etl::api {

namespace {

void want_administrator(const char* what) {
  const pg::RoleId role = pg::current_role();
  if (pg::is_superuser(role) || pg::owns_database(role)) return;
  throw Error("42501", "permission denied for " + std::string(what), {},
              "Only a superuser or the database's owner changes it.");
}

std::optional<unsigned> role_argument(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return std::nullopt;
  return PG_GETARG_OID(index);
}

// regrole takes any number, and a role that is made later could get it.
void want_role(unsigned role) {
  if (!pg::role_exists(role))
    throw Error("42704", "role with OID " + std::to_string(role) + " does not exist", {}, "Name a role of pg_roles.");
}

std::string privilege_argument(FunctionCallInfo fcinfo) {
  std::string privilege = pg::required_argument(fcinfo, 1, "privilege");
  for (char& c : privilege) c = static_cast<char>(pg_toupper(static_cast<unsigned char>(c)));
  if (privilege != "RUN" && privilege != "MONITOR" && privilege != "ALTER") {
    throw Error("22023", "unknown privilege \"" + privilege + "\"", {}, "Use RUN, MONITOR or ALTER.");
  }
  return privilege;
}

// The file lies in etl.secrets_directory: its name says nothing about where.
void check_secret_name(const std::string& option, const std::string& value) {
  const auto odd = [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '/' || c == '\\'; };
  if (!value.empty() && value.front() != '.' && std::none_of(value.begin(), value.end(), odd)) return;
  throw Error("22023", "option \"" + option + "\" must be the bare name of a file", {},
              "Put the file into etl.secrets_directory and write its name, as in " + option + " 'es.secret'.");
}

// A secret is of whoever put it into the directory. Every role with USAGE on a server may make a mapping for itself, so
// the name of a file must not be enough to use what lies in it.
// The ca_file of a server is any file: whether it is there, and what it is, is nobody else's business.
void want_file_reader(const std::string& option, const std::string& object) {
  const pg::RoleId role = pg::current_role();
  if (pg::is_superuser(role) || pg::has_role(role, ROLE_PG_READ_SERVER_FILES)) return;
  throw Error("42501", "permission denied to set option \"" + option + "\"",
              "Only a superuser or a member of pg_read_server_files makes or changes a " +
                  (object == "SERVER" ? std::string("server") : std::string("mapping")) + " that names a file.",
              "Ask one to run CREATE " + object + " for you.");
}

void check_url(const std::string& url) {
  if (remote::is_postgres_url(url)) {
    (void)remote::parse_postgres_url(url);
  } else {
    (void)http::parse_server_url(url);
  }
}

// Without a password it is this server's operating system user that another server lets in.
void check_password_required(const std::string& value) {
  if (value != "true" && value != "false") {
    throw Error("22023", "option \"password_required\" must be true or false");
  }
  if (pg::is_superuser(pg::current_role())) return;
  throw Error("42501", "permission denied to set option \"password_required\"", "Only a superuser may.",
              "Ask one to run CREATE USER MAPPING for you.");
}

void check_option(const std::string& name, const std::string& value, Oid catalog) {
  const std::vector<std::string_view> server = {
      "breaker_failures", "breaker_pause",      "breaker_successes",   "ca_file", "connect_timeout",
      "read_timeout",     "requests_in_flight", "requests_per_second", "url"};
  const std::vector<std::string_view> user = {"api_key_file", "password_file", "password_required", "token_file",
                                              "user"};
  const auto& known = catalog == ForeignServerRelationId ? server : user;
  if (catalog != ForeignServerRelationId && catalog != UserMappingRelationId) {
    throw Error("22023", "unknown option \"" + name + "\"", {},
                "Options belong to the server and to its user mappings.");
  }
  if (catalog == UserMappingRelationId && (name == "password" || name == "api_key" || name == "token")) {
    throw Error("22023", "a secret must not stand in the catalog",
                "Option \"" + name + "\" would show it in pg_user_mappings and in dumps.",
                "Put it into a file of etl.secrets_directory and name the file: " + name + "_file 'NAME'.");
  }
  for (const std::string_view k : known) {
    if (k != name) continue;
    if (name == "url") check_url(value);
    if (name == "password_required") check_password_required(value);
    if (name == "ca_file") want_file_reader(name, "SERVER");
    if (catalog == ForeignServerRelationId) (void)parse_server_limits({{name, value}});
    if (catalog == UserMappingRelationId && name.ends_with("_file")) {
      check_secret_name(name, value);
      want_file_reader(name, "USER MAPPING");
    }
    return;
  }
  throw Error("22023", "unknown option \"" + name + "\"", {}, did_you_mean(name, known));
}

}  // namespace

ETL_FUNCTION(etl_allow_target) {
  return pg::boundary([&]() -> Datum {
    const std::string pattern = pg::required_argument(fcinfo, 0, "pattern");
    want_administrator("the allow-list of targets");
    model::check_pattern(pattern);
    const std::optional<unsigned> role = role_argument(fcinfo, 1);
    if (role) want_role(*role);
    catalog::allow_target(pattern, role);
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_revoke_target) {
  return pg::boundary([&]() -> Datum {
    const std::string pattern = pg::required_argument(fcinfo, 0, "pattern");
    want_administrator("the allow-list of targets");
    return BoolGetDatum(catalog::revoke_target(pattern, role_argument(fcinfo, 1)));
  });
}

ETL_FUNCTION(etl_allow_function) {
  return pg::boundary([&]() -> Datum {
    const std::string named = pg::required_argument(fcinfo, 0, "function");
    want_administrator("the allow-list of functions");
    const auto signature = pg::function_signature(PG_GETARG_OID(0));
    if (!signature) {  // regprocedure takes any number
      throw Error("42883", "function " + named + " does not exist", {},
                  "Name it with the types of its arguments, as in app.score(app.row_in[]).");
    }
    const std::optional<unsigned> role = role_argument(fcinfo, 1);
    if (role) want_role(*role);
    catalog::allow_function(*signature, role);
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_register_operator) {
  return pg::boundary([&]() -> Datum {
    catalog::StoredOperator stored;
    stored.name = pg::required_argument(fcinfo, 0, "name");
    stored.kind = pg::required_argument(fcinfo, 1, "kind");
    const std::string named = pg::required_argument(fcinfo, 2, "function");
    stored.params_schema = pg::required_argument(fcinfo, 3, "params_schema");
    stored.description = pg::required_argument(fcinfo, 4, "description");
    want_administrator("operators");
    const auto signature = pg::function_signature(PG_GETARG_OID(2));
    if (!signature) {  // regprocedure takes any number
      throw Error("42883", "function " + named + " does not exist", {},
                  "Name it with the types of its arguments, as in app.score(app.row_in[], jsonb).");
    }
    stored.function = *signature;
    run::register_operator(stored);
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_unregister_operator) {
  return pg::boundary([&]() -> Datum {
    const std::string name = pg::required_argument(fcinfo, 0, "name");
    want_administrator("operators");
    return BoolGetDatum(catalog::remove_operator(name));
  });
}

// A text, so that an entry outlives its function no longer than somebody wants it to.
ETL_FUNCTION(etl_revoke_function) {
  return pg::boundary([&]() -> Datum {
    const std::string function = pg::required_argument(fcinfo, 0, "function");
    want_administrator("the allow-list of functions");
    const std::optional<unsigned> role = role_argument(fcinfo, 1);
    if (catalog::revoke_function(function, role)) return BoolGetDatum(true);
    const pg::Text oid = pg::catalog_query("SELECT to_regprocedure($1)::oid", {function}).at(0).at(0);
    if (!oid) return BoolGetDatum(false);
    const auto signature = pg::function_signature(static_cast<unsigned>(std::stoul(*oid)));
    return BoolGetDatum(signature && catalog::revoke_function(*signature, role));
  });
}

ETL_FUNCTION(etl_grant_pipeline) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kOwner);
    (void)pg::required_argument(fcinfo, 2, "to_role");
    want_role(PG_GETARG_OID(2));
    catalog::grant(definition.id, privilege_argument(fcinfo), PG_GETARG_OID(2));
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_revoke_pipeline) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kOwner);
    (void)pg::required_argument(fcinfo, 2, "from_role");
    return BoolGetDatum(catalog::revoke(definition.id, privilege_argument(fcinfo), PG_GETARG_OID(2)));
  });
}

ETL_FUNCTION(etl_fdw_validator) {
  return pg::boundary([&]() -> Datum {
    List* options = pg::call([&] { return untransformRelOptions(PG_GETARG_DATUM(0)); });
    const Oid catalog = PG_GETARG_OID(1);
    ListCell* cell;
    foreach (cell, options) {
      auto* option = static_cast<DefElem*>(lfirst(cell));
      const char* value = pg::call([&] { return defGetString(option); });
      check_option(option->defname, value, catalog);
    }
    return static_cast<Datum>(0);
  });
}

}  // namespace etl::api
