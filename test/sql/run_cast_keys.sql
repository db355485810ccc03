-- Keys that are one key only in the target's type: the last row of the source's order wins, within a batch and across two.
\a \t
CREATE SCHEMA run_cast_keys;
SET search_path = run_cast_keys, public;
DO $$ BEGIN PERFORM etl.allow_target('run_cast_keys.*'); END $$;
CREATE PROCEDURE check_it(source text, key_type text, size int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE dst (id %s PRIMARY KEY, v text)', key_type);
    PERFORM etl.create_pipeline('cast', source => source, target => 'run_cast_keys.dst', batch_size => size);
    FOR i IN 1 .. 2 LOOP
        CALL t.run('cast');
        RAISE INFO '%', t.last_run('cast');
    END LOOP;
    RAISE INFO '%', (SELECT string_agg(format('%s=%s', quote_literal(id), v), ' ' ORDER BY id) FROM dst);
    PERFORM etl.drop_pipeline('cast');
    DROP TABLE dst;
END $$;
SET TimeZone = 'UTC';
CREATE TABLE num AS SELECT * FROM (VALUES (1.2, 'a'), (1.4, 'b'), (2.0, 'c'), (2.6, 'd')) AS n (id, v);
CALL check_it('SELECT id, v FROM num', 'int', 10);
CALL check_it('SELECT id, v FROM num', 'int', 1);
CALL check_it('SELECT id, v FROM num', 'numeric(3,0)', 10);
CREATE TABLE txt AS SELECT * FROM (VALUES ('x', 'a'), ('x ', 'b'), ('y', 'c')) AS n (id, v);
CALL check_it('SELECT id, v FROM txt', 'char(2)', 10);
CALL check_it('SELECT id, v FROM txt', 'varchar', 10);
CREATE TABLE at AS SELECT * FROM (VALUES (timestamptz '2024-01-01 10:00+00', 'a'), ('2024-01-01 11:00+00', 'b'), ('2024-01-02 10:00+00', 'c')) AS n (id, v);
CALL check_it('SELECT id, v FROM at', 'date', 10);
-- The row that wins is the one that the target has already: it is not overwritten by the one before it.
CREATE TABLE dst (id int PRIMARY KEY, v text);
INSERT INTO dst VALUES (1, 'b');
SELECT etl.create_pipeline('cast', source => 'SELECT id, v FROM num', target => 'run_cast_keys.dst') > 0;
CALL t.run('cast');
SELECT t.last_run('cast');
TABLE dst ORDER BY id;
-- By one integer type in a wider one, no two keys can meet.
CREATE TABLE small AS SELECT i::smallint AS id, 'v' || i AS v FROM generate_series(1, 5) i;
DROP TABLE dst;
SELECT etl.drop_pipeline('cast');
CALL check_it('SELECT id, v FROM small', 'bigint', 2);
