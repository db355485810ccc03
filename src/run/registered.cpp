#include "run/registered.hpp"

#include <algorithm>
#include <vector>

#include "core/json.hpp"
#include "core/quote.hpp"
#include "pg/function.hpp"
#include "pg/role.hpp"
#include "run/operators.hpp"
#include "run/ownership.hpp"
#include "run/python_check.hpp"
#include "transform/function.hpp"

namespace etl::run {

namespace {

using model::Kind;

// The views of `operators` are into `stored`.
struct Registered {
  std::vector<catalog::StoredOperator> stored;
  std::vector<model::Operator> operators;
};

Registered& registered() {
  static Registered all;
  return all;
}

Kind kind_of(const std::string& name) {
  return name == "source" ? Kind::kSource : name == "sink" ? Kind::kSink : Kind::kTransform;
}

pg::OperatorUse use_of(Kind kind) {
  return kind == Kind::kSource ? pg::OperatorUse::kSource
         : kind == Kind::kSink ? pg::OperatorUse::kSink
                               : pg::OperatorUse::kTransform;
}

const catalog::StoredOperator* find(const model::Step& step, Kind kind) {
  for (const catalog::StoredOperator& stored : registered().stored) {
    if (stored.name == step.op && kind_of(stored.kind) == kind) return &stored;
  }
  return nullptr;
}

pg::RowFunction function_of(const model::Step& step, Kind kind) {
  const pg::RowFunction function = pg::find_operator_function(find(step, kind)->function, use_of(kind));
  const pg::RoleId owner = pg::current_role();
  if (pg::is_superuser(owner) && !reach_of({}, false, {}, {function.oid}).foreign.empty()) {
    throw Error("42501", "a superuser's pipeline cannot use operator \"" + step.op + "\"",
                "Its function " + function.signature + " does not belong to a superuser.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
  if (pg::may_execute(owner, function.oid)) {
    check_python(function.oid);
    return function;
  }
  const std::string role = pg::role_name(owner);
  throw Error(
      "42501",
      "function " + function.signature + " of operator \"" + step.op + "\" is not executable by role \"" + role + "\"",
      {}, "Run: GRANT EXECUTE ON FUNCTION " + function.signature + " TO " + quote_name(role) + ";");
}

std::string params_of(const model::Step& step) {
  return "CAST(" + quote_literal(step.params) + " AS pg_catalog.jsonb)";
}

transform::Function row_function(const pg::RowFunction& function) {
  return {function.name, function.argument, function.columns, function.of_array};
}

[[noreturn]] void wrong_schema(const std::string& detail) {
  throw Error("22023", "params_schema is not a JSON schema of params", detail,
              "Write it as {\"type\": \"object\", \"properties\": {\"column\": {\"type\": \"string\", \"description\": "
              "\"a column\"}}, "
              "\"required\": [\"column\"]}.");
}

void check_property(const std::string& name, const json::Value& value) {
  if (!value.IsObject()) wrong_schema("Property \"" + name + "\" is not an object.");
  for (const char* key : {"description", "format"}) {
    const auto member = value.FindMember(key);
    if (member != value.MemberEnd() && !member->value.IsString()) {
      wrong_schema("Member " + std::string(key) + " of property \"" + name + "\" is not a string.");
    }
  }
}

void check_schema(const std::string& text) {
  const json::Document schema = json::parse(text, "params_schema");
  if (!schema.IsObject() || json::text_member(schema, "type") != "object") wrong_schema("Its type is not \"object\".");
  const auto properties = schema.FindMember("properties");
  const bool any = properties != schema.MemberEnd();
  if (any && !properties->value.IsObject()) wrong_schema("Its properties are not an object.");
  for (auto one = any ? properties->value.MemberBegin() : json::Value::ConstMemberIterator();
       any && one != properties->value.MemberEnd(); ++one) {
    check_property(std::string(json::text(one->name)), one->value);
  }
  const auto required = schema.FindMember("required");
  if (required == schema.MemberEnd()) return;
  if (!required->value.IsArray()) wrong_schema("Its required is not an array.");
  for (const json::Value& name : required->value.GetArray()) {
    if (!name.IsString() || !any || !properties->value.HasMember(name)) {
      wrong_schema("It requires " + json::write(name) + ", which is not among its properties.");
    }
  }
}

[[noreturn]] void refuse_name(const std::string& name, const std::string& detail) {
  throw Error("42710", "there is an operator \"" + name + "\" already", detail,
              "Take another name, or remove a registered one by etl.unregister_operator().");
}

bool is_plain_name(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= 63 && (name[0] < '0' || name[0] > '9') &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

void load_registered() {
  Registered& all = registered();
  all.operators.clear();
  all.stored = catalog::read_operators();
  for (const catalog::StoredOperator& stored : all.stored) {
    all.operators.push_back(
        {.name = stored.name,
         .kind = kind_of(stored.kind),
         .description = stored.description,
         .params_schema = stored.params_schema,
         .of_batch = stored.kind == "transform" ? "The function sees the rows of one batch, batch_size at a time." : "",
         .of_set = stored.kind == "transform" ? "The function sees batch_size rows with each call." : ""});
  }
}

std::span<const model::Operator> registered_operators() {
  return registered().operators;
}

bool is_registered(const model::Step& step, Kind kind) {
  return find(step, kind) != nullptr;
}

transform::Rule registered_rule(const model::Step& step, Kind kind, const transform::Call& call) {
  const pg::RowFunction function = function_of(step, kind);
  if (kind == Kind::kTransform) return transform::call_with_rows(call, row_function(function), params_of(step));
  return {.sql = "SELECT * FROM " + function.name + "(" + params_of(step) + ") AS \"_etl_output\""};
}

std::string registered_sink(const model::Step& step, const transform::Input& input) {
  const pg::RowFunction function = function_of(step, Kind::kSink);
  // So that a result of any type, void too, is one that a relation can hold.
  return "SELECT CAST(" + function.name + "(\"_etl_rows\", " + params_of(step) +
         ") IS NULL AS pg_catalog.text) AS done FROM (SELECT pg_catalog.array_agg(" +
         transform::row_of(input, row_function(function)) + ") AS \"_etl_rows\" FROM " + input.from +
         ") AS \"_etl_batch\"";
}

void register_operator(const catalog::StoredOperator& stored) {
  if (!is_plain_name(stored.name)) {
    throw Error("22023", "operator name \"" + stored.name + "\" is not allowed", {},
                "Use lower-case letters, digits and _, 63 at most, not beginning with a digit.");
  }
  if (stored.kind != "source" && stored.kind != "transform" && stored.kind != "sink") {
    throw Error("22023", "kind \"" + stored.kind + "\" is unknown", {}, "Use \"source\", \"transform\" or \"sink\".");
  }
  check_schema(stored.params_schema);
  (void)pg::find_operator_function(stored.function, use_of(kind_of(stored.kind)));
  load_registered();
  for (const model::Operator* op : all_operators()) {
    if (op->name == stored.name) refuse_name(stored.name, {});
  }
  if (!catalog::save_operator(stored)) refuse_name(stored.name, "Another session has registered it just now.");
}

}  // namespace etl::run
