#include "run/replay.hpp"

#include "core/quote.hpp"
#include "pg/analyze.hpp"
#include "pg/read_only.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

// The pending dead letters that match, as an array of their ids.
std::string find_letters(const Plan& plan, const std::string& where) {
  pg::want_expression(where);
  const pg::ReadOnlyScope read_only;
  return *pg::query_once(
              "SELECT coalesce(pg_catalog.array_agg(d.id ORDER BY d.id), '{}') FROM (SELECT * FROM"
              " etl.dead_letters WHERE pipeline_id OPERATOR(pg_catalog.=) " +
              std::to_string(plan.definition.id) + " AND status OPERATOR(pg_catalog.=) 'pending') AS d WHERE (" +
              where + "\n)")
              .at(0)[0];
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

// The letters with the ids $2, under the patch $1, as rows of the source's shape.
std::string records_sql(const Plan& plan) {
  constexpr unsigned kBytea = 17;
  std::string columns;
  std::string values;
  for (const pg::Column& column : plan.sink().columns) {
    // A letter from a document has the document's form: bytes in base64.
    const bool base64 = plan.is_remote() && column.type == kBytea;
    const std::string name = quote_name(column.name);
    columns += (columns.empty() ? "" : ", ") + name + " " +
               (base64 ? std::string("pg_catalog.text") : pg::type_name(column.type, column.typmod)) +
               (column.collation == 0 ? "" : " COLLATE " + pg::collation_name(column.collation));
    values += (values.empty() ? "" : ", ") + (base64 ? "pg_catalog.decode(r." + name + ", 'base64') AS " : "r.") + name;
  }
  return "SELECT " + values +
         " FROM etl.dead_letters AS d, LATERAL pg_catalog.jsonb_to_record(d.original_record"
         " OPERATOR(pg_catalog.||) $1) AS r(" +
         columns + ") WHERE d.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY d.id";
}

}  // namespace

void replay(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  constexpr unsigned kJsonb = 3802;
  constexpr unsigned kBigints = 1016;
  if (plan.sinks.size() > 1) {
    throw Error("0A000", "dead letters of a pipeline with several sinks cannot be replayed", {},
                "Mend the rows in the source and run the pipeline again.");
  }
  if (plan.sink().remote_table && plan.sink().remote_table->append) {
    throw Error("0A000", "dead letters cannot be appended to a table of another server",
                "Whether they had arrived could not be known after a crash.",
                "Mend the rows in the source, or give the sink key_columns and write_mode \"upsert\".");
  }
  const std::string letters = find_letters(plan, json::text_member(arguments, "where_sql").value_or("true"));
  want_records(letters);
  const std::string patch = json::text_member(arguments, "patch").value_or("{}");
  source::SqlSource shape(source_spec(plan, plan.feed(), plan.sink().keys, {}));
  const auto page = shape.make_page(false);
  page->clear();
  pg::Statement records(records_sql(plan), {kJsonb, kBigints}, {}, pg::Planning::kFree);
  records.read(*page, {patch, letters});
  if (plan.is_remote()) return replay_documents(plan, *page, letters, emit);
  if (plan.sink().remote_table) return replay_rows(plan, *page, letters, emit);
  if (plan.sink().file) {
    throw Error("0A000", "a dead letter of a file cannot be replayed", "A file is written whole.",
                "Mend the row in the source and run the pipeline again.");
  }
  const std::unique_ptr<sink::PageSink> sink = make_sink(plan, 0, 0);
  sink->open(*page);
  (void)sink->use_on_conflict();
  if (page->rows() > 0) (void)sink->write(*page);
  pg::check_deferred_constraints();
  emit({std::to_string(mark_replayed(plan, letters))});
}

std::int64_t mark_replayed(const Plan& plan, const std::string& letters) {
  const pg::Rows marked = pg::catalog_query(
      "UPDATE etl.dead_letter SET status = 'replayed', retry_count = retry_count + 1, last_seen = clock_timestamp()"
      " WHERE id = ANY ($1::bigint[]) AND pipeline_id = $2::bigint AND status = 'pending' RETURNING 1",
      {letters, std::to_string(plan.definition.id)});
  return static_cast<std::int64_t>(marked.size());
}

}  // namespace etl::run
