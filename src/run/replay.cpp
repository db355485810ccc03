#include "run/replay.hpp"

#include <memory>

#include "catalog/checkpoints.hpp"
#include "core/quote.hpp"
#include "pg/analyze.hpp"
#include "pg/read_only.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/late_rows.hpp"
#include "run/sinks.hpp"
#include "run/target_check.hpp"

namespace etl::run {

namespace {

// Dead letters of one step that follow each other.
struct Letters {
  std::string step;
  std::string ids;  // as an array
  std::int64_t count = 0;
};

// The pending dead letters that match, in the order in which they came: of one key the last one wins.
std::vector<Letters> find_letters(const Plan& plan, const std::string& where) {
  pg::want_expression(where);
  const pg::ReadOnlyScope read_only;
  std::vector<Letters> all;
  for (const pg::Row& row :
       pg::query_once("SELECT d.step, d.id FROM (SELECT * FROM etl.dead_letters WHERE "
                      "pipeline_id OPERATOR(pg_catalog.=) " +
                      std::to_string(plan.definition.id) +
                      " AND status OPERATOR(pg_catalog.=) 'pending') AS d WHERE (" + where + "\n) ORDER BY d.id")) {
    if (all.empty() || all.back().step != row[0].value_or("")) all.push_back({row[0].value_or(""), "{", 0});
    all.back().ids += (all.back().count++ > 0 ? "," : "") + *row[1];
  }
  for (Letters& letters : all) letters.ids += "}";
  return all;
}

// A record that is shown as a string of its text has no columns.
void want_records(const std::string& letters) {
  for (const pg::Row& row :
       pg::query_once("SELECT id FROM etl.dead_letters WHERE id OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[])"
                      " AND pg_catalog.jsonb_typeof(original_record) OPERATOR(pg_catalog.=) 'string' LIMIT 1",
                      {letters})) {
    throw Error("22032", "dead letter " + *row[0] + " cannot be replayed",
                "Its record is JSON that jsonb does not take.",
                "Leave it out by where_sql: jsonb_typeof(original_record) = 'object'. Mend its row in the source.");
  }
}

// The letters with the ids $2, under the patch $1, as rows. documents: bytes may be in base64, as an index has them.
std::string records_sql(const std::vector<pg::Column>& all, bool documents) {
  constexpr unsigned kBytea = 17;
  std::string columns;
  std::string values;
  for (const pg::Column& column : all) {
    const bool bytes = documents && column.type == kBytea;
    const std::string name = quote_name(column.name);
    columns += (columns.empty() ? "" : ", ") + name + " " +
               (bytes ? std::string("pg_catalog.text") : pg::type_name(column.type, column.typmod)) +
               (column.collation == 0 ? "" : " COLLATE " + pg::collation_name(column.collation));
    values += (values.empty() ? "" : ", ") +
              (bytes ? "CASE WHEN pg_catalog.starts_with(r." + name + ", '\\x') THEN r." + name +
                           "::pg_catalog.bytea ELSE pg_catalog.decode(r." + name + ", 'base64') END AS " + name
                     : "r." + name);
  }
  return "SELECT " + values +
         " FROM etl.dead_letters AS d, LATERAL pg_catalog.jsonb_to_record(d.original_record"
         " OPERATOR(pg_catalog.||) $1) AS r(" +
         columns + ") WHERE d.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY d.id";
}

void read_records(pg::Relation& rows, const std::vector<pg::Column>& columns, bool documents, const std::string& patch,
                  const std::string& ids) {
  constexpr unsigned kJsonb = 3802;
  constexpr unsigned kBigints = 1016;
  pg::Statement records(records_sql(columns, documents), {kJsonb, kBigints}, {}, pg::Planning::kFree);
  records.read(rows, {patch, ids});
}

// A column that a record lacks would be NULL: it is of a pipeline as it was before.
void want_columns(const std::vector<pg::Column>& columns, const std::string& patch, const std::string& ids) {
  std::string names;
  for (const pg::Column& column : columns) names += (names.empty() ? "" : ", ") + quote_literal(column.name);
  for (const pg::Row& row : pg::query_once(
           "SELECT d.id, n.name FROM etl.dead_letters AS d, pg_catalog.unnest(ARRAY[" + names +
               "]::pg_catalog.text[]) WITH ORDINALITY AS n(name, place) WHERE d.id OPERATOR(pg_catalog.=) ANY "
               "($1::pg_catalog.int8[]) AND NOT (d.original_record OPERATOR(pg_catalog.||) $2::pg_catalog.jsonb) "
               "OPERATOR(pg_catalog.?) n.name ORDER BY d.id, n.place LIMIT 1",
           {ids, patch})) {
    throw Error("22023", "dead letter " + *row[0] + " cannot be replayed: it lacks column \"" + *row[1] + "\"",
                "The pipeline has been altered since.",
                "Give the column by a patch, or leave the letter out by where_sql.");
  }
}

void want_replayable(const SinkPlan& sink) {
  if (sink.file) {
    throw Error("0A000", "a dead letter of a file cannot be replayed", "A file is written whole.",
                "Mend the row in the source and run the pipeline again.");
  }
  if (sink.remote_table && sink.remote_table->append) {
    throw Error("0A000", "dead letters cannot be appended to a table of another server",
                "Whether they had arrived could not be known after a crash.",
                "Mend the rows in the source, or give the sink key_columns and write_mode \"upsert\".");
  }
}

// Rows for one sink.
struct Late {
  std::size_t sink;
  std::unique_ptr<pg::Relation> rows;
};

std::unique_ptr<pg::Relation> rows_for(const SinkPlan& sink) {
  want_replayable(sink);
  auto rows = std::make_unique<pg::Relation>(sink.columns, true);
  pg::Relation::Watch watch;
  for (const std::string& key : sink.keys) watch.key.push_back(rows->column_index(key));
  rows->watch(watch);
  rows->clear();
  return rows;
}

// The sink that a step is; -1: it is none. Without steps there is one, and letters have the names of its two parts.
std::ptrdiff_t sink_of(const Plan& plan, const std::string& step) {
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) {
    if (!plan.graph || plan.sinks[i].step == step) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

// Letters of a sink go into it, others the rest of the pipeline's way.
void take_up(const Plan& plan, const Letters& letters, const std::string& patch, std::vector<Late>& late) {
  want_records(letters.ids);
  if (plan.graph && !plan.graph->has(letters.step)) {
    throw Error("42704", "the pipeline has no step \"" + letters.step + "\" any more, of which dead letters are", {},
                "Leave them out by where_sql: step <> '" + letters.step + "'. Mend their rows in the source.");
  }
  if (const std::ptrdiff_t index = sink_of(plan, letters.step); index >= 0) {
    const SinkPlan& sink = plan.sinks[static_cast<std::size_t>(index)];
    late.push_back({static_cast<std::size_t>(index), rows_for(sink)});
    if (!sink.is_index()) want_columns(sink.columns, patch, letters.ids);
    return read_records(*late.back().rows, sink.columns, sink.is_index(), patch, letters.ids);
  }
  LateRows way(plan, letters.step);
  want_columns(way.page().columns(), patch, letters.ids);
  read_records(way.page(), way.page().columns(), false, patch, letters.ids);
  way.run();
  for (const std::size_t sink : way.sinks()) {
    late.push_back({sink, rows_for(plan.sinks[sink])});
    way.read(sink, *late.back().rows);
  }
}

void write(const Plan& plan, Late& late) {
  SinkPlan target = plan.sinks[late.sink];
  look_again(target);
  const std::unique_ptr<sink::PageSink> sink = make_sink(plan, late.sink, 0);
  (void)sink->use_on_conflict();
  sink->open(*late.rows);
  if (late.rows->rows() > 0) (void)sink->write(*late.rows);
}

// Outside of a transaction: nothing is held while the network is waited for. What is sent twice changes nothing.
void send(const Plan& plan, std::vector<Late>& late) {
  std::vector<std::unique_ptr<sink::Sender>> senders;
  for (Late& one : late) {
    senders.push_back(make_sender(plan, one.sink, false, true));
    if (senders.back()) senders.back()->encode(*one.rows, catalog::next_version(plan.definition.id));
  }
  pg::commit(true);
  for (const auto& sender : senders) {
    if (!sender) continue;
    sender->open();
    sender->send_alone();
  }
  pg::begin();
}

std::int64_t mark_replayed(const Plan& plan, const Letters& letters) {
  const pg::Rows marked = pg::catalog_query(
      "UPDATE etl.dead_letter SET status = 'replayed', retry_count = retry_count + 1, last_seen = clock_timestamp()"
      " WHERE id = ANY ($1::bigint[]) AND pipeline_id = $2::bigint AND status = 'pending' RETURNING 1",
      {letters.ids, std::to_string(plan.definition.id)});
  if (static_cast<std::int64_t>(marked.size()) != letters.count) {
    throw Error("40001", "dead letters were replayed or discarded by somebody else meanwhile", {}, "Try again.");
  }
  return letters.count;
}

}  // namespace

void replay(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  const std::string patch = json::text_member(arguments, "patch").value_or("{}");
  const std::vector<Letters> letters = find_letters(plan, json::text_member(arguments, "where_sql").value_or("true"));
  std::vector<Late> late;
  for (const Letters& one : letters) take_up(plan, one, patch, late);
  if (plan.sends()) send(plan, late);
  std::int64_t replayed = 0;
  for (const Letters& one : letters) replayed += mark_replayed(plan, one);  // first: whoever else does waits here
  for (Late& one : late) {
    if (!plan.sinks[one.sink].server) write(plan, one);
  }
  pg::check_deferred_constraints();
  emit({std::to_string(replayed)});
}

}  // namespace etl::run
