#include "catalog/operators.hpp"

#include "pg/spi.hpp"

namespace etl::catalog {

std::vector<StoredOperator> read_operators() {
  std::vector<StoredOperator> all;
  for (const pg::Row& row :
       pg::catalog_query("SELECT name, kind, function, params_schema, description FROM etl.operator ORDER BY name")) {
    all.push_back({*row[0], *row[1], *row[2], *row[3], *row[4]});
  }
  return all;
}

bool save_operator(const StoredOperator& stored) {
  return !pg::catalog_query(
              "INSERT INTO etl.operator (name, kind, function, params_schema, description) "
              "VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT DO NOTHING RETURNING 1",
              {stored.name, stored.kind, stored.function, stored.params_schema, stored.description})
              .empty();
}

bool remove_operator(const std::string& name) {
  return !pg::catalog_query("DELETE FROM etl.operator WHERE name = $1 RETURNING 1", {name}).empty();
}

}  // namespace etl::catalog
