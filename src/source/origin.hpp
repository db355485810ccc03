// Where rows come from that no SELECT of this database reads: files, an HTTP API, another PostgreSQL server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "file/record.hpp"
#include "pg/server.hpp"
#include "source/page_source.hpp"
#include "source/sql_page.hpp"

namespace etl::source {

struct RecordColumn {
  std::string name;
  std::string type;  // as SQL
};

// What is read for.
struct OriginSpec {
  std::string step;
  std::vector<pg::Column> columns;
  std::uint64_t page_rows = 5000;
  bool quarantine = false;
  std::int64_t max_dead_letters = 0;
  bool incremental = false;
  std::int64_t settle_ms = 0;  // incremental: a file that was changed less long ago may still be written
  std::int64_t pipeline = 0;
  std::string correlation_id;
  std::int64_t step_timeout_ms = 0;  // of each wait for a lock of another server; 0: none
  SqlSourceSpec page;                // of a query of another server: its order and range
};

// Pages of rows in the types of the columns.
class RecordPages : public PageSource {
 public:
  // All rows.
  virtual void read_all(pg::Relation& out) = 0;
};

class Origin {
 public:
  virtual ~Origin() = default;
  // Those that params declare; without, those that the data shows. In the rights of the session.
  virtual std::vector<RecordColumn> columns() const = 0;
  // Whether it can be read in the order of any of its columns, from a position on: then those decide the position.
  virtual bool has_order() const { return false; }
  // Else the parts of a position, name and type of each.
  virtual std::vector<std::string> position_types() const = 0;
  virtual const char* checkpoint_kind() const = 0;
  virtual std::unique_ptr<RecordPages> open(OriginSpec spec) const = 0;
  // The SQL/MED server that it reads from; nothing: none.
  virtual std::optional<pg::Server> server() const { return std::nullopt; }
};

// Param `columns`: an object {name: type}, or a list of {"name", "type"}. None: not given.
std::vector<RecordColumn> declared_columns(const json::Value& params);

// Its schema.
#define ETL_COLUMNS_PARAM                                                                                   \
  R"("columns": {"anyOf": [{"type": "object", "minProperties": 1, "additionalProperties": )"                \
  R"({"type": "string", "format": "type"}}, {"type": "array", "minItems": 1, "items": {"type": "object", )" \
  R"("required": ["name", "type"], "properties": {"name": {"type": "string"}, "type": {"type": "string", )" \
  R"("format": "type"}}}}], "description": "an object {name: type}, or in an order )"                       \
  R"([{\"name\": name, \"type\": type}])"

}  // namespace etl::source
