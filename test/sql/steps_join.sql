-- Steps: join and aggregate, against the same by hand.
\a \t
CREATE SCHEMA steps_join;
SET search_path = steps_join, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_join.*'); END $$;
CREATE TABLE orders (id int PRIMARY KEY, customer int, day date, amount numeric(10,2));
CREATE TABLE customers (customer bigint, day date, name text);
INSERT INTO orders SELECT i, CASE WHEN i % 9 > 0 THEN i % 12 END, date '2024-01-01' + i % 5, i * 1.5 FROM generate_series(1, 200) i;
INSERT INTO customers SELECT CASE WHEN i % 9 > 0 THEN i END, date '2024-01-01' + i % 3, 'c' || i FROM generate_series(1, 20) i;
CREATE VIEW src AS TABLE orders;
CREATE VIEW people AS SELECT customer, name FROM customers;
-- By keys: they come once.
CALL t.step('join', '{"left": "orders", "right": "people", "keys": ["customer"]}', 'SELECT o.id, o.customer, o.day, o.amount, p.name FROM orders o JOIN people p ON o.customer = p.customer', inputs => '["orders", "people"]');
CALL t.step('join', '{"left": "orders", "right": "people", "keys": ["customer"], "type": "left"}', 'SELECT o.id, o.customer, o.day, o.amount, p.name FROM orders o LEFT JOIN people p ON o.customer = p.customer', inputs => '["orders", "people"]');
CREATE VIEW named AS SELECT id, customer::bigint AS customer, amount FROM orders WHERE id % 13 = 0 AND id < 160;
CALL t.step('join', '{"left": "named", "right": "people", "keys": ["customer"], "type": "right"}', 'SELECT n.id, p.customer, n.amount, p.name FROM named n RIGHT JOIN people p ON n.customer = p.customer', '["name"]', '["people", "named"]');
CREATE VIEW odd AS SELECT i AS id, i AS o FROM generate_series(1, 30, 2) i;
CREATE VIEW even AS SELECT i::bigint AS id, i AS e FROM generate_series(1, 40, 3) i;
CALL t.step('join', '{"left": "odd", "right": "even", "keys": ["id"], "type": "full"}', 'SELECT id, o, e FROM odd FULL JOIN even USING (id)', inputs => '["odd", "even"]');
CALL t.step('join', '{"left": "even", "right": "odd", "keys": ["id"], "type": "right"}', 'SELECT o.id, e.e, o.o FROM even e RIGHT JOIN odd o ON e.id = o.id', inputs => '["odd", "even"]');
CALL t.step('join', '{"left": "orders", "right": "customers", "keys": ["customer", "day"]}', 'SELECT o.*, name FROM orders o JOIN customers c ON o.customer = c.customer AND o.day = c.day', inputs => '["orders", "customers"]');
CALL t.step('join', '{"left": "orders", "right": "customers", "keys": ["customer", "day"], "type": "semi"}',
    'SELECT * FROM orders o WHERE EXISTS (SELECT FROM customers c WHERE o.customer = c.customer AND o.day = c.day)', inputs => '["orders", "customers"]');
CALL t.step('join', '{"left": "orders", "right": "customers", "keys": ["customer", "day"], "type": "anti"}',
    'SELECT * FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE o.customer = c.customer AND o.day = c.day)', inputs => '["orders", "customers"]');
-- By an expression over both.
CREATE VIEW bands AS SELECT g AS band, g * 50.0 AS low, g * 50.0 + 30 AS high FROM generate_series(0, 5) g;
CALL t.step('join', '{"left": "orders", "right": "bands", "on": "orders.amount BETWEEN bands.low AND high -- of the band", "type": "left"}',
    'SELECT * FROM orders o LEFT JOIN bands b ON o.amount BETWEEN b.low AND b.high', inputs => '["orders", "bands"]');
CALL t.step('join', '{"left": "orders", "right": "customers", "on": "orders.customer = customers.customer OR orders.id < 5", "type": "anti"}',
    'SELECT * FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE o.customer = c.customer OR o.id < 5)', inputs => '["orders", "customers"]');
-- By an equality, each type; only with keys is counted what meets nothing.
CREATE VIEW staff AS SELECT id, customer AS who, amount FROM orders WHERE id <= 11;
CREATE VIEW clients AS SELECT customer AS client, name FROM customers WHERE name <> 'c5';
CALL t.step('join', '{"left": "staff", "right": "clients", "on": "staff.who = clients.client"}', 'SELECT * FROM staff JOIN clients ON who = client', inputs => '["staff", "clients"]');
CALL t.step('join', '{"left": "staff", "right": "clients", "on": "who = client", "type": "left"}', 'SELECT * FROM staff LEFT JOIN clients ON who = client', inputs => '["staff", "clients"]');
CALL t.step('join', '{"left": "staff", "right": "clients", "on": "staff.who = clients.client", "type": "right"}', 'SELECT * FROM staff RIGHT JOIN clients ON who = client', '["name"]', '["staff", "clients"]');
CALL t.step('join', '{"left": "staff", "right": "clients", "on": "staff.who = clients.client", "type": "semi"}', 'SELECT * FROM staff WHERE who IN (SELECT client FROM clients)', inputs => '["staff", "clients"]');
CALL t.step('join', '{"left": "clients", "right": "staff", "on": "staff.who = clients.client", "type": "semi"}', 'SELECT * FROM clients WHERE client IN (SELECT who FROM staff)', '["name"]', '["staff", "clients"]');
CALL t.step('join', '{"left": "staff", "right": "clients", "on": "staff.who = clients.client", "type": "anti"}', 'SELECT * FROM staff WHERE NOT EXISTS (SELECT FROM clients WHERE who = client)', inputs => '["clients", "staff"]');
CALL t.step('join', '{"left": "clients", "right": "staff", "on": "staff.who = clients.client", "type": "anti"}', 'SELECT * FROM clients WHERE NOT EXISTS (SELECT FROM staff WHERE who = client)', '["name"]', '["staff", "clients"]');
-- Of full no column of an input is a key: one is derived.
CREATE TABLE whole (key text PRIMARY KEY, id int, who int, amount numeric, client bigint, name text);
SELECT etl.create_pipeline('whole', batch_size => 5, options => '{"observe": "steps"}', steps => '[
  {"id": "staff", "operator": "table", "params": {"table": "steps_join.staff"}},
  {"id": "clients", "operator": "table", "params": {"table": "steps_join.clients"}},
  {"id": "joined", "operator": "join", "params": {"left": "staff", "right": "clients", "on": "clients.client = staff.who", "type": "full"}, "depends_on": ["clients", "staff"]},
  {"id": "keyed", "operator": "derive", "params": {"columns": {"key": "concat(id, name)"}}, "depends_on": "joined"},
  {"id": "save", "operator": "table", "params": {"target": "steps_join.whole"}, "depends_on": "keyed"}]') > 0;
SELECT t.differences('SELECT r.* FROM etl.preview(''whole'', 100) p, jsonb_populate_record(NULL::whole, p) r', 'SELECT concat(id, name), * FROM staff FULL JOIN clients ON who = client');
CALL t.run('whole');
SELECT t.last_run('whole'), t.differences('TABLE whole', 'SELECT concat(id, name), * FROM staff FULL JOIN clients ON who = client');
SELECT step, rows_in, rows_out, figures FROM etl.step_runs WHERE pipeline = 'whole' ORDER BY step;
SELECT count(*) FILTER (WHERE client IS NULL AND name IS NULL) AS left_alone, count(*) FILTER (WHERE id IS NULL) AS right_alone FROM whole;
SELECT etl.drop_pipeline('whole');
-- An input that two steps take is computed once.
CREATE TABLE dst (id int PRIMARY KEY, customer int, day date, amount numeric, total numeric, share numeric);
SELECT etl.create_pipeline('share', steps => '[
  {"id": "orders", "operator": "table", "params": {"table": "steps_join.orders", "where": "customer IS NOT NULL"}},
  {"id": "totals", "operator": "aggregate", "params": {"group_by": ["customer"], "columns": {"total": "sum(amount)"}}, "depends_on": "orders"},
  {"id": "joined", "operator": "join", "params": {"left": "orders", "right": "totals", "keys": ["customer"]}, "depends_on": ["totals", "orders"]},
  {"id": "share", "operator": "derive", "params": {"columns": {"share": "round(amount / total, 4)"}}, "depends_on": "joined"},
  {"id": "save", "operator": "table", "params": {"target": "steps_join.dst"}, "depends_on": "share"}]') > 0;
SELECT line FROM etl.explain('share') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('share');
SELECT t.last_run('share');
SELECT t.differences('TABLE dst', 'SELECT *, sum(amount) OVER w, round(amount / sum(amount) OVER w, 4) FROM orders WHERE customer IS NOT NULL WINDOW w AS (PARTITION BY customer)');
-- aggregate: columns in the order of group_by, then the computed ones; NULL is a group.
CALL t.step('aggregate', '{"group_by": ["day"], "columns": {"n": "count(*)", "top": "max(amount) FILTER (WHERE id > 20)", "customers": "array_agg(DISTINCT customer ORDER BY customer)"}}',
    'SELECT day, count(*), max(amount) FILTER (WHERE id > 20), array_agg(DISTINCT customer ORDER BY customer) FROM orders GROUP BY day', '["day"]');
CALL t.step('aggregate', '{"group_by": ["day", "customer"], "columns": {"last": "max(src.id) -- of all"}}', 'SELECT day, customer, max(id) FROM orders GROUP BY 1, 2', '["last"]');
CALL t.step('aggregate', '{"columns": {"n": "count(*)", "total": "sum(amount)"}}', 'SELECT count(*), sum(amount) FROM orders', '["n"]');
CREATE VIEW nothing AS SELECT * FROM orders WHERE false;
CALL t.step('aggregate', '{"group_by": [], "columns": {"n": "count(*)"}}', 'SELECT 0::bigint', '["n"]', '["nothing"]');
SELECT name, of_batch, of_set FROM etl.operators WHERE name IN ('aggregate', 'join') ORDER BY name;
-- Refused.
CREATE FUNCTION refused(operator text, params text, inputs text DEFAULT '["orders", "customers"]') RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "orders", "operator": "table", "params": {"table": "steps_join.orders"}},
  {"id": "customers", "operator": "table", "params": {"table": "steps_join.customers"}},
  {"id": "step", "operator": "%s", "params": %s, "depends_on": %s},
  {"id": "save", "operator": "table", "params": {"target": "steps_join.dst"}, "depends_on": ["step", "orders", "customers"]}]', operator, params, inputs))) $$;
SELECT refused('join', '{"keys": ["customer"]}');
SELECT refused('join', '{"left": "orders", "right": "customer", "keys": ["customer"]}');
SELECT refused('join', '{"left": "orders", "right": "orders", "keys": ["customer"]}');
SELECT refused('join', '{"left": "orders", "right": "customers"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "keys": ["customer"], "on": "true"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "keys": ["customer"], "type": "cross"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "keys": ["id"]}');
SELECT refused('join', '{"left": "orders", "right": "customers", "keys": ["customer"]}');
SELECT refused('join', '{"left": "orders", "right": "customers", "on": "orders.customer = customers.customer"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "on": "true) JOIN (SELECT 1"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "on": "orders.customer = people.customer", "type": "semi"}');
SELECT refused('join', '{"left": "orders", "right": "customers", "keys": ["customer"]}', '["orders"]');
SELECT refused('aggregate', '{"group_by": ["day"]}', '["orders"]');
SELECT refused('aggregate', '{"group_by": ["dya"], "columns": {"n": "count(*)"}}', '["orders"]');
SELECT refused('aggregate', '{"group_by": ["day"], "columns": {"day": "count(*)"}}', '["orders"]');
SELECT refused('aggregate', '{"group_by": ["day"], "columns": {"n": "amount"}}', '["orders"]');
SELECT etl.drop_pipeline('share');
