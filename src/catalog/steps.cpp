#include "catalog/steps.hpp"

#include "core/json.hpp"
#include "pg/spi.hpp"

namespace etl::catalog {

namespace {

std::string to_json(const std::vector<StepTotals>& steps) {
  std::string list;
  for (const StepTotals& s : steps) {
    json::Object out;
    out.add("step", s.step).add("operator", s.op);
    out.add_raw("depends_on", json::write_texts({s.depends_on.begin(), s.depends_on.end()}));
    out.add("status", s.status).add_number("active_us", s.active_us);
    if (s.started_us > 0) out.add_number("started_us", s.started_us).add_number("finished_us", s.finished_us);
    if (s.rows_in) out.add_number("rows_in", *s.rows_in);
    if (s.rows_out) out.add_number("rows_out", *s.rows_out);
    if (s.error_code) out.add("error_code", s.error_code).add("error_message", s.error_message);
    list += (list.empty() ? "" : ",") + out.add_raw("figures", s.figures).str();
  }
  return "[" + list + "]";
}

}  // namespace

std::vector<StepTotals> read_steps(std::int64_t run) {
  std::vector<StepTotals> all;
  for (const pg::Row& row : pg::catalog_query(
           "SELECT step, operator, to_json(depends_on), status, coalesce((extract(epoch FROM started_at) * "
           "1e6)::bigint, 0),"
           " coalesce((extract(epoch FROM finished_at) * 1e6)::bigint, 0), active_us, rows_in, rows_out, figures"
           " FROM etl.step_run_log WHERE run_id = $1::bigint ORDER BY step_no",
           {std::to_string(run)})) {
    StepTotals s{.step = *row[0], .op = *row[1], .status = *row[3], .figures = *row[9]};
    for (const auto& input : json::read_texts(json::parse(*row[2], "inputs"))) s.depends_on.push_back(*input);
    s.started_us = std::stoll(*row[4]);
    s.finished_us = std::stoll(*row[5]);
    s.active_us = std::stoll(*row[6]);
    if (row[7]) s.rows_in = std::stoll(*row[7]);
    if (row[8]) s.rows_out = std::stoll(*row[8]);
    all.push_back(std::move(s));
  }
  return all;
}

void save_steps(std::int64_t run, const std::vector<StepTotals>& steps) {
  (void)pg::catalog_query(
      "INSERT INTO etl.step_run_log AS l (run_id, step_no, step, operator, depends_on, status, started_at, "
      "finished_at, active_us,"
      " rows_in, rows_out, figures, error_code, error_message) SELECT $1::bigint, row_number() OVER (), s.step,"
      " s.operator, s.depends_on, s.status, to_timestamp(s.started_us / 1e6), to_timestamp(s.finished_us / 1e6), "
      "s.active_us, "
      "s.rows_in,"
      " s.rows_out, s.figures, s.error_code, s.error_message FROM jsonb_to_recordset($2::jsonb) AS s(step text,"
      " operator text, depends_on text[], status text, started_us float8, finished_us float8, active_us bigint, "
      "rows_in bigint,"
      " rows_out bigint, figures jsonb, error_code text, error_message text) ON CONFLICT (run_id, step) DO UPDATE SET"
      " status = excluded.status, started_at = excluded.started_at, finished_at = excluded.finished_at,"
      " active_us = excluded.active_us, rows_in = excluded.rows_in, rows_out = excluded.rows_out,"
      " figures = excluded.figures, error_code = excluded.error_code, error_message = excluded.error_message",
      {std::to_string(run), to_json(steps)});
}

}  // namespace etl::catalog
