#include "run/plan.hpp"

#include <algorithm>
#include <set>

#include "catalog/pipelines.hpp"
#include "core/nearest.hpp"
#include "core/quote.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/statement.hpp"
#include "run/operators.hpp"
#include "run/ownership.hpp"
#include "run/safety.hpp"
#include "run/target_check.hpp"

namespace etl::run {

const pg::Column* find_column(const pg::Analysis& source, const std::string& name) {
  for (const pg::Column& column : source.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

namespace {

std::string known_columns_hint(const pg::Analysis& source, const std::string& wrong) {
  std::vector<std::string_view> names;
  for (const pg::Column& column : source.columns) names.push_back(column.name);
  return did_you_mean(wrong, names);
}

constexpr unsigned kDefaultCollation = 100;

std::string position_type(const pg::Column& column) {
  std::string text = quote_name(column.name) + " " + pg::type_name(column.type, -1);
  if (column.collation == 0 || column.collation == kDefaultCollation) return text;
  return text + " COLLATE " + pg::collation_name(column.collation);
}

// Integers of any width are in the same order, and have the same texts.
std::string order_of(const std::string& position_type) {
  for (const std::string_view type : {" smallint", " bigint"}) {
    if (position_type.ends_with(type)) return position_type.substr(0, position_type.size() - type.size()) + " integer";
  }
  return position_type;
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string list;
  for (const std::string& part : parts) list += (list.empty() ? "" : ", ") + part;
  return list;
}

void check_output_names(const pg::Analysis& source) {
  std::set<std::string> seen;
  for (const pg::Column& column : source.columns) {
    if (column.name == "?column?") {
      throw Error("42601", "an output column of the source has no name", {},
                  "Name every expression: SELECT a + b AS total.");
    }
    if (column.name.starts_with("_etl_")) {
      throw Error("42939", "the name of output column \"" + column.name + "\" is reserved",
                  "Generated SQL uses names that start with \"_etl_\".", "Rename the column with AS.");
    }
    if (!seen.insert(column.name).second) {
      throw Error("42701", "the source returns column \"" + column.name + "\" twice", {},
                  "Rename one of them with AS.");
    }
  }
  if (source.columns.empty()) throw Error("42601", "the source returns no column", {}, "Name columns after SELECT.");
}

// A superuser's session would run what other people wrote with all rights (internals.md 21).
void check_superuser_source(const pg::Analysis& source, unsigned owner) {
  if (!pg::is_superuser(owner)) return;
  if (!pg::superuser_pipelines_allowed()) {
    throw Error("42501", "a superuser's pipelines are switched off", "etl.allow_superuser_pipelines is off.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
  for (const pg::BaseTable& table : source.tables) {
    if (pg::is_superuser(table.owner)) continue;
    throw Error(
        "42501", "a superuser's pipeline cannot read " + table.name,
        "It belongs to role \"" + pg::role_name(table.owner) + "\", who could run code with a superuser's rights.",
        "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
  if (const std::string object = foreign_object({}, source.types, source.functions); !object.empty()) {
    throw Error("42501", "a superuser's pipeline cannot use " + object, "It does not belong to a superuser.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
}

// The id of the source that a user most likely means: an output column that is unique by itself.
std::string unique_column(const pg::Analysis& source) {
  for (const pg::Column& column : source.columns) {
    pg::Origin origin;
    if (pg::find_origin(column, origin) && pg::is_unique_column(column.origin_table, column.origin_column)) {
      return column.name;
    }
  }
  return {};
}

// The pure rules, with hints that need the database.
void check_contract(const model::Definition& definition, const pg::Analysis& source) {
  try {
    model::check_definition(definition);
  } catch (Error& error) {
    if (definition.mode == "incremental" && definition.incremental_key && !definition.incremental_id_key) {
      const std::string id = unique_column(source);
      if (!id.empty()) {
        error.hint = "The source returns " + id + ", which is unique: try incremental_id_key => '" + id + "'.";
      }
    }
    throw;
  }
}

void check_order_column(const pg::Analysis& source, const std::string& parameter, const std::string& name) {
  const pg::Column* column = find_column(source, name);
  if (column == nullptr) {
    throw Error("42703", parameter + " \"" + name + "\" is not a column of the source's output",
                "It is looked for after aliasing.", known_columns_hint(source, name));
  }
  if (!pg::is_orderable(column->type)) {
    throw Error("42883", parameter + " \"" + name + "\" cannot be ordered",
                "Its type is " + pg::type_name(column->type, column->typmod) + ".", "Use a column of another type.");
  }
}

void choose_order(Plan& plan) {
  const model::Definition& d = plan.definition;
  if (d.mode == "incremental") {
    check_order_column(plan.source, "incremental_key", *d.incremental_key);
    check_order_column(plan.source, "incremental_id_key", *d.incremental_id_key);
    plan.order = {*d.incremental_key, *d.incremental_id_key};
    if (plan.order[0] == plan.order[1]) plan.order.pop_back();
  } else {
    for (const std::string& key : plan.keys) check_order_column(plan.source, "key column", key);
    plan.order = plan.keys;
  }
  bool known_not_null = !plan.source.outer_joins;
  for (const std::string& name : plan.order) {
    const pg::Column* column = find_column(plan.source, name);
    plan.order_types.push_back(column->type);
    plan.position_types.push_back(position_type(*column));
    plan.order_operators.push_back(operators_of(column->type));
    pg::Origin origin;
    known_not_null = known_not_null && pg::find_origin(*column, origin) && origin.not_null;
  }
  for (const std::string& name : plan.keys) {
    pg::Origin origin;
    known_not_null = known_not_null && pg::find_origin(*find_column(plan.source, name), origin) && origin.not_null;
  }
  plan.keys_may_be_null = !known_not_null;
}

std::optional<Graph> make_graph(const model::Definition& definition, std::vector<Finding>& findings) {
  const model::Steps steps = model::read_steps(*definition.steps, findings);
  check_operators(steps, findings);
  Graph graph(steps, definition.batch_size);
  graph.analyze(findings);
  return graph;
}

// What the steps read, and where they write it, in the words of a definition without steps.
std::optional<Graph> resolve_steps(model::Definition& definition) {
  if (!definition.steps) return std::nullopt;
  std::vector<Finding> findings;
  std::optional<Graph> graph = make_graph(definition, findings);
  model::throw_errors(findings);
  const std::vector<const model::Step*> sinks = graph->sinks();
  if (sinks.size() > 1) throw Error("0A000", "more than one sink is not built yet", {}, "End with one sink.");
  const json::Document params = json::parse(sinks[0]->params, "params");
  definition.source = graph->query(sinks[0]->id);
  definition.target = std::string(json::text(params["target"]));
  if (params.HasMember("key_columns")) {
    definition.key_columns.emplace();
    for (const auto& name : json::read_texts(params["key_columns"])) definition.key_columns->push_back(*name);
  }
  return graph;
}

void check_owner(unsigned owner) {
  if (const auto error = missing_session(owner)) throw *error;
}

}  // namespace

std::optional<Error> missing_session(unsigned owner) {
  if (!pg::role_exists(owner)) {
    return Error("42704", "the pipeline's owner does not exist any more", "It had OID " + std::to_string(owner) + ".",
                 "Give it another owner with etl.alter_pipeline_owner().");
  }
  const std::string role = "role \"" + pg::role_name(owner) + "\"";
  if (!pg::can_login(owner)) {
    return Error("42501", role + " cannot log in", "It is the pipeline's owner.",
                 "Use a role with LOGIN: a worker's session is the owner's session.");
  }
  if (!pg::can_connect(owner)) {
    return Error("42501", role + " cannot connect to this database", "It is the pipeline's owner.",
                 "Run: GRANT CONNECT ON DATABASE … TO " + quote_name(pg::role_name(owner)) +
                     "; a worker's session is the owner's session.");
  }
  return std::nullopt;
}

std::vector<Finding> find_faults(const model::Definition& definition) {
  std::vector<Finding> findings;
  if (definition.steps) (void)make_graph(definition, findings);
  return findings;
}

Plan make_plan(const model::Definition& given, unsigned owner) {
  Plan plan;
  plan.definition = given;
  const model::Definition& definition = plan.definition;
  if (definition.source.empty() || definition.steps) model::check_definition(definition);
  check_owner(owner);
  plan.graph = resolve_steps(plan.definition);
  // The contract's hints look at the source; a source that cannot be analysed is the error to report only after it.
  try {
    plan.source = pg::analyze_select(definition.source);
  } catch (const Error&) {
    model::check_definition(definition);
    throw;
  }
  check_contract(definition, plan.source);
  plan.options = model::parse_options(definition.options);
  check_output_names(plan.source);
  check_superuser_source(plan.source, owner);
  check_target(plan, owner);
  choose_order(plan);
  if (plan.table) prepare_upsert(plan);
  if (definition.mode == "incremental") choose_safety(plan);
  return plan;
}

void check_position(const Plan& plan, const std::vector<std::string>& types) {
  if (std::equal(types.begin(), types.end(), plan.position_types.begin(), plan.position_types.end(),
                 [](const std::string& was, const std::string& is) { return order_of(was) == order_of(is); })) {
    return;
  }
  throw Error("55000", "the order of the source has changed since its position was saved",
              "The position is one of (" + list_of(types) + "), the source is in the order of (" +
                  list_of(plan.position_types) + ") now.",
              "Use etl.reset() to read the source from its start.");
}

compile::Operators operators_of(unsigned type) {
  return {pg::btree_operator(type, pg::Compare::kLess), pg::btree_operator(type, pg::Compare::kLessOrEqual),
          pg::btree_operator(type, pg::Compare::kEqual), pg::btree_operator(type, pg::Compare::kGreaterOrEqual),
          pg::btree_operator(type, pg::Compare::kGreater)};
}

void note_objects(const Plan& plan, std::int64_t pipeline) {
  catalog::Objects objects;
  for (const pg::BaseTable& table : plan.source.tables) objects.read.push_back(table.oid);
  if (plan.table) objects.written.push_back(plan.table->oid);
  if (plan.server) objects.servers.push_back(plan.server->gate.server);
  catalog::note_objects(pipeline, objects);
}

std::string create_target_sql(const model::Definition& given) {
  model::Definition definition = given;
  model::check_definition(definition);
  check_owner(definition.owner);
  (void)resolve_steps(definition);
  if (!model::parse_target(definition.target).server.empty()) {
    throw Error("22023", "create_target is for tables", "The target is " + definition.target + ".",
                "Leave it out: a missing index is created by the first run.");
  }
  const pg::Analysis source = pg::analyze_select(definition.source);
  check_output_names(source);
  if (!definition.key_columns) {
    throw Error("22023", "create_target needs key_columns", {}, "Name the columns that are to be the primary key.");
  }
  std::string columns;
  for (const pg::Column& column : source.columns) {
    columns +=
        (columns.empty() ? "" : ", ") + quote_name(column.name) + " " + pg::type_name(column.type, column.typmod);
  }
  for (const std::string& key : *definition.key_columns) {
    if (find_column(source, key) == nullptr) {
      throw Error("42703", "key column \"" + key + "\" is not a column of the source's output", {},
                  known_columns_hint(source, key));
    }
  }
  return "CREATE TABLE IF NOT EXISTS " + pg::quoted_target(definition.target) + " (" + columns + ", PRIMARY KEY (" +
         name_list(*definition.key_columns) + "))";
}

}  // namespace etl::run
