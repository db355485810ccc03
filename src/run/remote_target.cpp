#include "run/remote_target.hpp"

#include <algorithm>
#include <map>

#include "core/quote.hpp"
#include "pg/analyze.hpp"
#include "remote/postgres_connection.hpp"
#include "remote/postgres_url.hpp"
#include "run/target_check.hpp"
#include "run/write_check.hpp"

namespace etl::run {

namespace {

using model::WriteMode;

// How SQL over there names and compares a column's type.
struct FarType {
  std::string full;  // with its modifier
  std::string base;  // what a domain is made of; otherwise the same
  std::string bare;  // that without its modifier
  std::string equals;
};

struct FarTable {
  pg::TargetTable table;
  std::string schema;  // quoted
  std::string oid;
  std::map<std::string, FarType> types;        // by column
  std::vector<std::vector<std::string>> keys;  // of usable unique indexes; the primary key first
};

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

// What compares the type: an operator of its default btree class; those of pg_catalog take arrays, enums and ranges.
constexpr char kEquals[] =
    "coalesce((SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_opclass c JOIN pg_am m ON m.oid = "
    "c.opcmethod AND m.amname = 'btree' JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype "
    "AND p.amoprighttype = c.opcintype AND p.amopstrategy = 3 JOIN pg_operator o ON o.oid = p.amopopr JOIN "
    "pg_namespace n ON n.oid = o.oprnamespace WHERE c.opcdefault AND c.opcintype = a.atttypid), "
    "'OPERATOR(pg_catalog.=)')";

constexpr char kBaseType[] =
    "WITH RECURSIVE d AS (SELECT a.atttypid AS type, a.atttypmod AS typmod, 1 AS depth UNION ALL SELECT t.typbasetype, "
    "t.typtypmod, d.depth + 1 FROM d JOIN pg_type t ON t.oid = d.type WHERE t.typtype = 'd') "
    "SELECT type, typmod FROM d ORDER BY depth DESC LIMIT 1";

void read_columns(remote::PostgresConnection& connection, const std::string& table, FarTable& far) {
  const auto rows = connection.table(
      "SELECT attname, format_type(atttypid, atttypmod), format_type(b.type, -1), atttypid, atttypmod, "
      "attnotnull, atthasdef OR attidentity <> '', attgenerated <> '', attidentity = 'a', " +
          std::string(kEquals) + ", format_type(b.type, b.typmod) FROM pg_attribute a CROSS JOIN LATERAL (" +
          kBaseType + ") AS b WHERE attrelid = " + table + " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      11);
  for (const auto& row : rows) {
    pg::TargetColumn column;
    column.name = row[0];
    column.type = static_cast<unsigned>(remote::to_number(row[3]));
    column.typmod = static_cast<int>(remote::to_number(row[4]));
    column.not_null = row[5] == "t";
    column.has_default = row[6] == "t";
    column.generated = row[7] == "t";
    column.identity_always = row[8] == "t";
    far.table.columns.push_back(column);
    far.types[row[0]] = {row[1], row[10], row[2], row[9]};
  }
}

void read_keys(remote::PostgresConnection& connection, const std::string& table, FarTable& far) {
  const auto rows = connection.table(
      "SELECT json_agg(a.attname ORDER BY k.place) FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY "
      "AS k(column_number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.column_number WHERE "
      "i.indrelid = " +
          table +
          " AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND "
          "k.place <= i.indnkeyatts GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC",
      1);
  for (const auto& row : rows) {
    std::vector<std::string>& key = far.keys.emplace_back();
    for (const auto& name : json::read_texts(json::parse(row[0], "the columns of an index"))) key.push_back(*name);
  }
}

// No name of ours is looked up where others may have put theirs.
constexpr char kSearchPath[] = "SET search_path = pg_catalog, pg_temp";

FarTable look_up(const SinkPlan& sink) {
  remote::PostgresConnection connection(*sink.server);
  connection.open();
  (void)connection.query(kSearchPath);
  const std::string table = quote_literal(pg::quoted_target(sink.object)) + "::regclass";
  const auto found = connection.table(
      "SELECT format('%I.%I', n.nspname, c.relname), quote_ident(n.nspname), c.relkind, c.oid FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = " +
          table,
      4);
  if (found.size() != 1) throw connection.unexpected();
  FarTable far;
  far.table.name = found[0][0];
  far.table.plain_name = sink.target;
  far.schema = found[0][1];
  far.table.kind = found[0][2].empty() ? ' ' : found[0][2][0];
  far.oid = found[0][3];
  read_columns(connection, table, far);
  read_keys(connection, table, far);
  return far;
}

// Where its url leads to, whatever else it says.
std::string place_of(const pg::Server& server) {
  const remote::PostgresUrl url = remote::parse_postgres_url(server.options.at("url"));
  return url.host + ":" + std::to_string(url.port) + "/" + url.database;
}

bool same_columns(std::vector<std::string> one, std::vector<std::string> other) {
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  return one == other;
}

void choose_keys(SinkPlan& sink, const FarTable& far) {
  const bool append = sink.write.mode == WriteMode::kAppend;
  const auto returned = [&](const std::string& key) { return find_column(sink.columns, key) != nullptr; };
  if (sink.key_columns) {
    sink.keys = *sink.key_columns;
  } else if (!far.keys.empty() && (!append || std::all_of(far.keys[0].begin(), far.keys[0].end(), returned))) {
    sink.keys = far.keys[0];
  }
  for (const std::string& key : sink.keys) {
    if (returned(key)) continue;
    throw Error("42703", "key column \"" + key + "\" is not a column of the source's output");
  }
  if (append) return;
  const bool unique = std::any_of(far.keys.begin(), far.keys.end(),
                                  [&](const auto& columns) { return same_columns(columns, sink.keys); });
  if (unique) return;
  throw Error("42P10", "no unique index of target " + quoted(sink.target) + " is on just its key columns", {},
              "Run there: CREATE UNIQUE INDEX ON " + far.table.name +
                  " (…); an upsert needs one that is valid, and not partial, deferrable or on expressions.");
}

compile::Upsert upsert_into(const SinkPlan& sink, const FarTable& far) {
  compile::Upsert upsert;
  upsert.target = far.table.name;
  upsert.elsewhere = true;
  for (const pg::Column& column : sink.columns) {
    const pg::TargetColumn& target = *find_target_column(far.table, column.name);
    const FarType& type = far.types.at(column.name);
    compile::UpsertColumn c;
    c.name = column.name;
    c.key = std::find(sink.keys.begin(), sink.keys.end(), column.name) != sink.keys.end();
    c.set = !target.identity_always;
    if (type.base.starts_with("character(")) c.image = "pg_catalog.text";
    c.operators.equal = type.equals;
    const bool same = pg::has_binary_form(column.type) && column.type == target.type;
    if (!same || (column.typmod != target.typmod && target.typmod != -1)) {
      const bool cuts = cast_cuts(type.base);
      if (!cuts) c.cast = type.full;
      if (cuts && !same) c.cast = type.bare;
      if (cuts && type.base != type.full && c.image.empty()) c.image = type.bare;
    }
    // What is one key there may be several here.
    if (c.key && (!c.cast.empty() || type.equals != operators_of(column.type).equal)) upsert.keys_may_merge = true;
    upsert.columns.push_back(c);
  }
  return upsert;
}

}  // namespace

void check_remote_table(SinkPlan& sink, const Plan& plan) {
  if (sink.write.mode != WriteMode::kUpsert && sink.write.mode != WriteMode::kAppend) {
    throw Error(
        "22023",
        "write_mode " + quoted(std::string(model::name_of(sink.write.mode))) + " is for tables of this database",
        "The target is " + sink.target + ".", "Use \"upsert\" or \"append\".");
  }
  const FarTable far = look_up(sink);
  if (far.table.kind != 'r' && far.table.kind != 'p') {
    throw Error("42809", "target " + quoted(sink.target) + " is " + pg::kind_in_words(far.table.kind), {},
                "Name an ordinary or partitioned table as target.");
  }
  choose_keys(sink, far);
  check_columns(sink, far.table);
  sink::RemoteTable table;
  table.server = *sink.server;
  table.upsert = upsert_into(sink, far);
  table.checkpoint = far.schema + ".pg_etl_checkpoint";
  table.columns = sink.columns;
  table.partitioned = far.table.kind == 'p';
  table.append = sink.write.mode == WriteMode::kAppend;
  table.quarantine = plan.options.quarantine;
  table.max_dead_letters = plan.options.max_dead_letters;
  table.pipeline = plan.definition.id;
  table.step_timeout_ms = plan.options.step_timeout_ms;
  sink.remote_table = std::move(table);
  sink.identity = "the table with OID " + far.oid + " of " + place_of(*sink.server);
}

}  // namespace etl::run
