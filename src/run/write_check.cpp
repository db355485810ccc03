#include "run/write_check.hpp"

#include <algorithm>

#include "core/nearest.hpp"
#include "core/quote.hpp"
#include "pg/statement.hpp"
#include "run/source_check.hpp"
#include "sink/history_sink.hpp"
#include "sink/sweep.hpp"

namespace etl::run {

namespace {

using model::WriteMode;

constexpr unsigned kBool = 16;
constexpr const char* kIsDeleted = "is_deleted";
constexpr const char* kDeletedAt = "deleted_at";
constexpr const char* kValidFrom = "valid_from";
constexpr const char* kValidTo = "valid_to";
constexpr const char* kIsCurrent = "is_current";

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

std::vector<std::string> managed(WriteMode mode) {
  if (mode == WriteMode::kSoftDelete) return {kIsDeleted, kDeletedAt};
  if (mode == WriteMode::kScd2) return {kValidFrom, kValidTo, kIsCurrent};
  return {};
}

// The column if the target has it, or nothing.
std::string if_there(const pg::TargetTable& table, const char* name) {
  return find_target_column(table, name) != nullptr ? name : "";
}

void want_boolean(const pg::TargetTable& table, const char* name) {
  const pg::TargetColumn* column = find_target_column(table, name);
  if (column == nullptr || column->type == kBool) return;
  throw Error("42804", "column " + quoted(name) + " of target " + quoted(table.plain_name) + " is not boolean",
              "It is of type " + pg::type_name(column->type, column->typmod) + ".",
              "Run: ALTER TABLE " + table.name + " ALTER COLUMN " + name + " TYPE boolean USING …;");
}

void check_range(const SinkPlan& sink, const pg::TargetTable& table, unsigned owner) {
  if (!sink.write.range_from.empty()) {
    pg::want_expression(sink.write.range_from);
    pg::want_expression(sink.write.range_to);
    check_source(pg::analyze_select("SELECT (" + sink.write.range_from + "\n) AS lower, (" + sink.write.range_to +
                                    "\n) AS upper"),
                 owner);
  }
  const std::string& name = sink.write.range_column;
  const pg::TargetColumn* column = find_target_column(table, name);
  if (column != nullptr && find_column(sink.columns, name) != nullptr) {
    if (pg::is_orderable(column->type)) return;
    throw Error("42883", "range column " + quoted(name) + " cannot be ordered",
                "Its type is " + pg::type_name(column->type, column->typmod) + ".", "Use a column of another type.");
  }
  std::vector<std::string_view> names;
  for (const pg::Column& c : sink.columns) names.push_back(c.name);
  throw Error("42703", "range column " + quoted(name) + " is not a column of source and target", {},
              did_you_mean(name, names));
}

compile::UpsertColumn constant(const char* name, const char* sql) {
  compile::UpsertColumn column;
  column.name = name;
  column.constant = sql;
  return column;
}

void prepare_sweep(SinkPlan& sink) {
  compile::Sweep sweep;
  if (sink.write.mode == WriteMode::kSoftDelete) {
    sweep.is_deleted = if_there(*sink.table, kIsDeleted);
    sweep.deleted_at = if_there(*sink.table, kDeletedAt);
    // A row that comes back is not deleted any more.
    if (!sweep.is_deleted.empty()) sink.upsert.columns.push_back(constant(kIsDeleted, "false"));
    if (!sweep.deleted_at.empty()) {
      const pg::TargetColumn& at = *find_target_column(*sink.table, kDeletedAt);
      sink.upsert.columns.push_back(
          constant(kDeletedAt, ("CAST(NULL AS " + pg::type_name(at.type, at.typmod) + ")").c_str()));
    }
  }
  if (sink.write.mode == WriteMode::kReplaceRange) {
    const pg::TargetColumn& column = *find_target_column(*sink.table, sink.write.range_column);
    sweep.range_column = column.name;
    sweep.range_type = pg::type_name(column.type, column.typmod);
    sweep.range_from = sink.write.range_from;
    sweep.range_to = sink.write.range_to;
    sweep.operators = operators_of(column.type);
    sink.range_type = column.type;
  }
  sweep.upsert = sink.upsert;
  for (const compile::UpsertColumn& key : sink.upsert.columns) {
    if (!key.key) continue;
    const pg::TargetColumn& column = *find_target_column(*sink.table, key.name);
    sweep.key_types.push_back(pg::type_name(column.type, column.typmod) +
                              (column.collation == 0 ? "" : " COLLATE " + pg::collation_name(column.collation)));
  }
  sink.sweep = std::move(sweep);
}

}  // namespace

unsigned privileges(WriteMode mode) {
  switch (mode) {
    case WriteMode::kAppend:
      return pg::kInsert;
    case WriteMode::kReplace:
    case WriteMode::kReplaceRange:
      return pg::kSelect | pg::kInsert | pg::kUpdate | pg::kDelete;
    default:
      return pg::kSelect | pg::kInsert | pg::kUpdate;
  }
}

std::vector<std::string> default_keys(const SinkPlan& sink, const pg::TargetTable& table) {
  std::vector<std::string> keys = table.primary_key;
  if (sink.write.mode == WriteMode::kScd2) std::erase(keys, kValidFrom);
  // What is appended may have a key of the target's own making.
  const auto returned = [&](const std::string& key) { return find_column(sink.columns, key) != nullptr; };
  if (sink.write.mode == WriteMode::kAppend && !std::all_of(keys.begin(), keys.end(), returned)) keys.clear();
  return keys;
}

std::vector<std::string> unique_columns(const SinkPlan& sink) {
  std::vector<std::string> columns = sink.keys;
  if (sink.write.mode == WriteMode::kScd2 && !columns.empty()) columns.emplace_back(kValidFrom);
  return columns;
}

bool is_managed(const SinkPlan& sink, const std::string& column) {
  const std::vector<std::string> names = managed(sink.write.mode);
  return std::find(names.begin(), names.end(), column) != names.end();
}

void check_managed(const SinkPlan& sink, const pg::TargetTable& table, unsigned owner) {
  const std::string mode = "write_mode " + quoted(model::name_of(sink.write.mode));
  for (const std::string& name : managed(sink.write.mode)) {
    if (find_column(sink.columns, name) == nullptr) continue;
    throw Error("42701", "the source returns column " + quoted(name) + ", which " + mode + " fills", {},
                "Leave it out of the source, or rename it.");
  }
  const auto lacks = [&](const char* name) { return find_target_column(table, name) == nullptr; };
  if (sink.write.mode == WriteMode::kSoftDelete && lacks(kIsDeleted) && lacks(kDeletedAt)) {
    throw Error("42703", "target " + quoted(table.plain_name) + " has neither column is_deleted nor deleted_at",
                "It is where " + mode + " marks a row.",
                "Run: ALTER TABLE " + table.name + " ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;");
  }
  if (sink.write.mode == WriteMode::kScd2 && (lacks(kValidFrom) || lacks(kValidTo))) {
    throw Error("42703",
                "target " + quoted(table.plain_name) + " has no column " + (lacks(kValidFrom) ? kValidFrom : kValidTo),
                mode + " keeps there from when and until when a version of a row holds.",
                "Run: ALTER TABLE " + table.name + " ADD COLUMN valid_from timestamptz NOT NULL DEFAULT now(), " +
                    "ADD COLUMN valid_to timestamptz;");
  }
  for (const char* name : {kIsDeleted, kIsCurrent}) {
    if (is_managed(sink, name)) want_boolean(table, name);
  }
  if (sink.write.mode == WriteMode::kReplaceRange) check_range(sink, table, owner);
}

void prepare_write_mode(SinkPlan& sink) {
  if (model::sweeps(sink.write.mode)) prepare_sweep(sink);
  if (sink.write.mode == WriteMode::kScd2) {
    sink.history = compile::History{sink.upsert, kValidFrom, kValidTo, if_there(*sink.table, kIsCurrent)};
  }
}

void check_statements(const SinkPlan& sink, pg::Relation& shape) {
  if (sink.write.mode == WriteMode::kAppend) return;
  if (sink.history) {
    sink::HistorySink(*sink.history).open(shape);
    return;
  }
  const pg::Statement merge(compile::merge_sql(sink.upsert), {}, {{"input", &shape}}, pg::Planning::kFree);
  if (!sink.sweep) return;
  const sink::Sweep sweep(*sink.sweep, shape, sink.range_type);
}

bool needs_all_rows(const Plan& plan) {
  bool needed = false;
  for (const SinkPlan& sink : plan.sinks) {
    if (plan.definition.mode != "full" && model::sweeps(sink.write.mode)) {
      throw Error("22023", "write_mode " + quoted(model::name_of(sink.write.mode)) + " is for mode \"full\"",
                  "A run of mode \"" + plan.definition.mode + "\" does not deliver all rows.",
                  "Use mode 'full', or write_mode \"upsert\".");
    }
    if (plan.definition.mode != "full" && sink.file) {
      throw Error("22023", "a file is for mode \"full\"", "It is written whole, with all that a run delivers.",
                  "Use mode 'full', or a table as target.");
    }
    const bool ordered = plan.definition.mode != "full" || plan.way == Way::kBatch || !sink.keys.empty();
    needed = needed || model::sweeps(sink.write.mode) || sink.file || !ordered;
  }
  return needed;
}

void check_append(const Plan& plan) {
  const auto appends = [](const SinkPlan& sink) { return sink.write.mode == WriteMode::kAppend; };
  if (plan.safety != "overlap" || std::none_of(plan.sinks.begin(), plan.sinks.end(), appends)) return;
  throw Error("22023", "write_mode \"append\" does not go with safety \"overlap\"",
              "Each run reads a window again, and would insert its rows once more: " + plan.safety_reason + ".",
              "Use write_mode \"upsert\" with a key, or read by a key for which safety \"lock\" or \"xact\" holds.");
}

const pg::TargetColumn* find_target_column(const pg::TargetTable& table, const std::string& name) {
  for (const pg::TargetColumn& column : table.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace etl::run
