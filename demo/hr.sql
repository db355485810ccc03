-- The README's pipeline of steps, with what it shows; demo/grants.sql prepares it. test/demo/check_readme runs this file in
-- a new database and compares what is printed with the README; make demo runs it too, and can do so again.
\pset footer off
\set QUIET on
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA IF NOT EXISTS hr;
\set QUIET off
\set ECHO queries
SELECT etl.create_pipeline('staff', create_target => true, if_not_exists => true,
    options => '{"on_error": "quarantine", "observe": "steps"}', steps => '[
  {"id": "extract", "operator": "csv", "params": {"path": "hr.csv", "columns": [
      {"name": "employee_id", "type": "int"}, {"name": "name", "type": "text"}, {"name": "email", "type": "text"},
      {"name": "department", "type": "text"}, {"name": "salary", "type": "numeric(12,2)"}, {"name": "hired", "type": "date"},
      {"name": "left_on", "type": "date"}, {"name": "changed", "type": "date"}]}},
  {"id": "quality", "operator": "check", "depends_on": ["extract"], "params": {"severity": "quarantine", "rules": [
      {"rule": "not_null", "columns": ["name", "department"]},
      {"rule": "range", "column": "salary", "min": 0, "max": 1000000},
      {"rule": "regex", "column": "email", "pattern": "^[^@ ]+@[^@ ]+$"}]}},
  {"id": "clean", "operator": "sql", "depends_on": ["quality"], "params": {"query":
      "SELECT DISTINCT ON (employee_id) * FROM quality WHERE left_on IS NULL ORDER BY employee_id, changed DESC"}},
  {"id": "remove", "operator": "sql", "depends_on": ["quality"], "params": {"query":
      "SELECT DISTINCT employee_id, department, hired, left_on FROM quality WHERE left_on IS NOT NULL"}},
  {"id": "save", "operator": "file", "depends_on": ["clean", "remove"], "params": {
      "path": "out/staff.parquet", "format": "parquet"}},
  {"id": "keep", "operator": "table", "depends_on": ["clean", "remove"], "params": {
      "target": "hr.staff", "key_columns": ["employee_id"], "write_mode": "replace"}}]');
SELECT line FROM etl.explain('staff') AS line WHERE line ~ '^(Layers|->)';
SELECT row ->> 'name' AS name, row ->> 'department' AS department, row ->> 'left_on' AS left_on
FROM etl.preview('staff', 3) AS row;
CALL etl.run_wait('staff');
SELECT step, operator, rows_in, rows_out, duration::interval(3), figures -> 'violations' AS violations FROM etl.step_runs
WHERE run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'staff') ORDER BY started_at;
SELECT step, error_code, error_message, count(*), min(original_record ->> '_file') AS file,
    min((original_record ->> '_line')::int) AS line FROM etl.dead_letters
WHERE run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'staff') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) AS in_table, count(*) FILTER (WHERE left_on IS NULL) AS here, round(avg(salary)) AS salary FROM hr.staff;
SELECT rows_written, rows_dead, files FROM etl.runs WHERE pipeline = 'staff' ORDER BY id DESC LIMIT 1;
