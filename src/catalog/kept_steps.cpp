#include "catalog/kept_steps.hpp"

#include "core/hex.hpp"
#include "pg/spi.hpp"

namespace etl::catalog {

std::optional<std::string> find_kept_step(std::int64_t run, const std::string& step, const std::string& shape) {
  const pg::Rows rows =
      pg::catalog_query("SELECT found FROM etl.kept_step WHERE run_id = $1::bigint AND step = $2 AND shape = $3",
                        {std::to_string(run), step, shape});
  return rows.empty() ? std::nullopt : rows[0][0];
}

void keep_step(std::int64_t run, const std::string& step, const std::string& shape, const std::string& found) {
  (void)pg::catalog_query("DELETE FROM etl.kept_step WHERE run_id = $1::bigint AND step = $2",
                          {std::to_string(run), step});
  (void)pg::catalog_query(
      "INSERT INTO etl.kept_step (run_id, step, shape, found) VALUES ($1::bigint, $2, $3, $4::jsonb)",
      {std::to_string(run), step, shape, found});
}

void keep_rows(std::int64_t run, const std::string& step, int part, std::string_view rows) {
  (void)pg::catalog_query(
      "INSERT INTO etl.kept_rows (run_id, step, part, rows) VALUES ($1::bigint, $2, $3::int, decode($4, 'hex'))",
      {std::to_string(run), step, std::to_string(part), to_hex(rows)});
}

std::optional<std::string> read_kept_rows(std::int64_t run, const std::string& step, int part) {
  const pg::Rows rows = pg::catalog_query(
      "SELECT encode(rows, 'hex') FROM etl.kept_rows WHERE run_id = $1::bigint AND step = $2 AND part = $3::int",
      {std::to_string(run), step, std::to_string(part)});
  return rows.empty() ? std::nullopt : std::optional(from_hex(rows[0][0].value_or("")));
}

void forget_kept_steps(std::int64_t pipeline, std::int64_t but_of_run) {
  (void)pg::catalog_query(
      "DELETE FROM etl.kept_step k USING etl.run_log l WHERE l.id = k.run_id AND l.pipeline_id = $1::bigint AND l.id "
      "<> "
      "$2::bigint",
      {std::to_string(pipeline), std::to_string(but_of_run)});
}

}  // namespace etl::catalog
