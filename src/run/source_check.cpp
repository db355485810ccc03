#include "run/source_check.hpp"

#include <set>

#include "core/nearest.hpp"
#include "core/quote.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "run/ownership.hpp"

namespace etl::run {

namespace {

constexpr unsigned kDefaultCollation = 100;

std::string position_type(const pg::Column& column) {
  std::string text = quote_name(column.name) + " " + pg::type_name(column.type, -1);
  if (column.collation == 0 || column.collation == kDefaultCollation) return text;
  return text + " COLLATE " + pg::collation_name(column.collation);
}

// A superuser's session would run what other people wrote with all rights (internals.md 21).
void check_superuser_source(const pg::Analysis& source, unsigned owner) {
  if (!pg::is_superuser(owner)) return;
  if (!pg::superuser_pipelines_allowed()) {
    throw Error("42501", "a superuser's pipelines are switched off", "etl.allow_superuser_pipelines is off.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
  std::vector<unsigned> tables;
  for (const pg::BaseTable& table : source.tables) {
    tables.push_back(table.oid);
    if (pg::is_superuser(table.owner)) continue;
    throw Error(
        "42501", "a superuser's pipeline cannot read " + table.name,
        "It belongs to role \"" + pg::role_name(table.owner) + "\", who could run code with a superuser's rights.",
        "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
  if (const std::string object = reach_of(tables, false, source.types, source.functions).foreign; !object.empty()) {
    throw Error("42501", "a superuser's pipeline cannot use " + object, "It does not belong to a superuser.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
}

void check_order_column(const pg::Analysis& source, const std::string& parameter, const std::string& name) {
  const pg::Column* column = find_column(source.columns, name);
  if (column == nullptr) {
    throw Error("42703", parameter + " \"" + name + "\" is not a column of the source's output",
                "It is looked for after aliasing.", known_columns_hint(source, name));
  }
  if (!pg::is_orderable(column->type)) {
    throw Error("42883", parameter + " \"" + name + "\" cannot be ordered",
                "Its type is " + pg::type_name(column->type, column->typmod) + ".", "Use a column of another type.");
  }
}

}  // namespace

std::string known_columns_hint(const pg::Analysis& source, const std::string& wrong) {
  std::vector<std::string_view> names;
  for (const pg::Column& column : source.columns) names.push_back(column.name);
  return did_you_mean(wrong, names);
}

void check_source_names(const pg::Analysis& source) {
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

void check_source(const pg::Analysis& source, unsigned owner) {
  check_source_names(source);
  check_superuser_source(source, owner);
}

void choose_order(Feed& feed, const model::Definition& d, const std::vector<std::string>& keys) {
  if (d.mode == "incremental") {
    check_order_column(feed.source, "incremental_key", *d.incremental_key);
    check_order_column(feed.source, "incremental_id_key", *d.incremental_id_key);
    feed.order = {*d.incremental_key, *d.incremental_id_key};
    if (feed.order[0] == feed.order[1]) feed.order.pop_back();
  } else {
    for (const std::string& key : keys) check_order_column(feed.source, "key column", key);
    feed.order = keys;
  }
  bool known_not_null = !feed.source.outer_joins;
  auto look = [&](const pg::Column& column) {
    pg::Origin origin;
    known_not_null = known_not_null && pg::find_origin(column, origin) && origin.not_null;
  };
  for (const std::string& name : feed.order) {
    const pg::Column* column = find_column(feed.source.columns, name);
    feed.order_types.push_back(column->type);
    feed.position_types.push_back(position_type(*column));
    feed.order_operators.push_back(operators_of(column->type));
    look(*column);
  }
  for (const std::string& name : keys) look(*find_column(feed.source.columns, name));
  feed.keys_may_be_null = !known_not_null;
}

}  // namespace etl::run
