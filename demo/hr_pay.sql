-- The personnel file as a workbook, and from there, by one small operator a step, into a table for those who pay and a file
-- without names for those who count. Run as etl_demo after demo/hr.sql; can be run again.

SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS hr.pay (
    employee_id integer PRIMARY KEY,
    name text NOT NULL,
    email text,
    department text NOT NULL,
    salary numeric(12,2) NOT NULL,
    hired date NOT NULL,
    left_on date,
    changed date NOT NULL);

-- All as text: what is no date and no number stays as it is, for the next one to find.
SELECT etl.create_pipeline('staff_workbook', if_not_exists => true, tags => '{demo,hr}',
    options => '{"on_error": "quarantine"}', steps => '[
  {"id": "extract", "operator": "csv", "params": {"path": "hr.csv", "columns": [
      {"name": "employee_id", "type": "int"}, {"name": "name", "type": "text"}, {"name": "email", "type": "text"},
      {"name": "department", "type": "text"}, {"name": "salary", "type": "text"}, {"name": "hired", "type": "text"},
      {"name": "left_on", "type": "text"}, {"name": "changed", "type": "text"}]}},
  {"id": "save", "operator": "file", "depends_on": ["extract"], "params": {
      "path": "out/hr.xlsx", "format": "xlsx", "sheet": "Staff"}}]');
CALL etl.run_wait('staff_workbook');

SELECT etl.create_pipeline('staff_pay', if_not_exists => true, tags => '{demo,hr}',
    options => '{"on_error": "quarantine", "observe": "steps"}', steps => '[
  {"id": "extract", "operator": "xlsx", "params": {"path": "out/hr.xlsx", "sheet": "Staff", "columns": {
      "employee_id": "int", "name": "text", "email": "text", "department": "text",
      "salary": "numeric(12,2)", "hired": "date", "left_on": "date", "changed": "date"}}},
  {"id": "quality", "operator": "check", "depends_on": ["extract"], "params": {"severity": "quarantine", "rules": [
      {"rule": "not_null", "columns": ["name", "department"]},
      {"rule": "range", "column": "salary", "min": 0},
      {"rule": "regex", "column": "email", "pattern": "^[^@ ]+@[^@ ]+$"}]}},
  {"id": "latest", "operator": "dedupe", "depends_on": ["quality"], "params": {
      "keys": ["employee_id"], "order_by": "changed", "keep": "last"}},
  {"id": "usual", "operator": "outliers", "depends_on": ["latest"], "params": {
      "columns": ["salary"], "method": "iqr", "threshold": 3, "action": "drop"}},
  {"id": "clean", "operator": "clean_nulls", "depends_on": ["usual"], "params": {
      "columns": ["salary"], "strategy": "median"}},
  {"id": "remove", "operator": "drop_columns", "depends_on": ["usual"], "params": {
      "columns": ["name", "email", "changed"]}},
  {"id": "pay", "operator": "table", "depends_on": ["clean"], "params": {
      "target": "hr.pay", "write_mode": "replace"}},
  {"id": "share", "operator": "file", "depends_on": ["remove"], "params": {
      "path": "out/pay.parquet", "format": "parquet", "compression": "zstd"}}]');
