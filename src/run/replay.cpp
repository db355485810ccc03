#include "run/replay.hpp"

#include "compile/quote.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

// The dead letters that match, as rows of the source's shape.
std::string records_sql(const Plan& plan, const std::string& where) {
  constexpr unsigned kBytea = 17;
  std::string columns;
  std::string values;
  for (const pg::Column& column : plan.source.columns) {
    // A letter from a document has the document's form: bytes in base64.
    const bool base64 = !plan.table && column.type == kBytea;
    const std::string name = compile::quote_name(column.name);
    columns += (columns.empty() ? "" : ", ") + name + " " +
               (base64 ? std::string("text") : pg::type_name(column.type, column.typmod));
    values += (values.empty() ? "" : ", ") + (base64 ? "decode(r." + name + ", 'base64') AS " : "r.") + name;
  }
  return "SELECT " + values +
         " FROM (SELECT * FROM etl.dead_letters WHERE pipeline_id = " + std::to_string(plan.definition.id) +
         " AND status = 'pending') AS d, LATERAL jsonb_to_record(d.original_record || $1) AS r(" + columns +
         ") WHERE " + where + " ORDER BY d.id";
}

}  // namespace

void replay(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  constexpr unsigned kJsonb = 3802;
  const std::string where = "(" + json::text_member(arguments, "where_sql").value_or("true") + "\n)";
  const std::string patch = json::text_member(arguments, "patch").value_or("{}");
  source::SqlSource shape(source_spec(plan, {}));
  const auto page = shape.make_page(false);
  page->clear();
  pg::Statement records(records_sql(plan, where), {kJsonb}, {}, pg::Planning::kFree);
  records.read(*page, {patch});
  if (!plan.table) return replay_documents(plan, *page, where, emit);
  sink::TableSink sink(plan.upsert, plan.keys);
  sink.open(*page);
  (void)sink.use_on_conflict();
  if (page->rows() > 0) (void)sink.write(*page);
  pg::check_deferred_constraints();
  emit({std::to_string(mark_replayed(plan, where))});
}

std::int64_t mark_replayed(const Plan& plan, const std::string& where) {
  const std::string pipeline = std::to_string(plan.definition.id);
  const pg::Rows ids =
      pg::query_once("SELECT d.id FROM (SELECT * FROM etl.dead_letters WHERE pipeline_id = " + pipeline +
                     " AND status = 'pending') AS d WHERE " + where);
  for (const pg::Row& row : ids) {
    (void)pg::catalog_query(
        "UPDATE etl.dead_letter SET status = 'replayed', retry_count = retry_count + 1,"
        " last_seen = clock_timestamp() WHERE id = $1::bigint AND pipeline_id = $2::bigint",
        {row[0], pipeline});
  }
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace etl::run
