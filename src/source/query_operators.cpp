// The sources that are a SELECT, of this database or of another server: sql as the user wrote it, table with a
// condition.
#include "pg/target.hpp"
#include "source/registry.hpp"
#include "source/remote_query.hpp"

namespace etl::source {

static std::string sql_query(const json::Value& params) {
  return std::string(json::text(params["query"]));
}

static std::string table_query(const json::Value& params) {
  const std::string where = json::text_member(params, "where").value_or("true");
  return "SELECT * FROM " + pg::quoted_target(std::string(json::text(params["table"]))) + " WHERE (" + where + "\n)";
}

static std::shared_ptr<const Origin> sql_origin(const json::Value& params, const file::Limits&) {
  return remote_query(params, sql_query(params));
}

static std::shared_ptr<const Origin> table_origin(const json::Value& params, const file::Limits&) {
  return remote_query(params, table_query(params));
}

// Its schema.
#define ETL_SERVER_PARAM \
  R"("server": {"type": "string", "minLength": 1, "description": "a server of TYPE 'postgres'; this database when absent"})"

extern const Source kSql = {{"sql", model::Kind::kSource, "The rows of a SELECT.",
                             R"({"type": "object", "properties": {
    "query": {"type": "string", "format": "query", "minLength": 1, "description": "one SELECT"},
    )" ETL_SERVER_PARAM R"(},
  "required": ["query"]})"},
                            sql_query,
                            sql_origin};

extern const Source kTable = {
    {"table", model::Kind::kSource, "The rows of a table or view, all or those of a condition.",
     R"({"type": "object", "properties": {
    "table": {"type": "string", "minLength": 1, "description": "a table's name, as schema.table"},
    "where": {"type": "string", "format": "expression", "minLength": 1,
              "description": "an SQL expression over the table's columns"},
    )" ETL_SERVER_PARAM R"(},
  "required": ["table"]})"},
    table_query,
    table_origin};

}  // namespace etl::source
