"""A NOT NULL that does not hold hides no row: PostgreSQL 15 lets a child drop the one of its parent."""

from workbench import OWNER


def test_a_child_without_the_not_null_of_its_parent(bench):
    bench.tables(0)
    bench.admin.execute(f"""
        CREATE TABLE w.child () INHERITS (w.t_source);
        ALTER TABLE w.child ALTER id DROP NOT NULL;
        CREATE INDEX ON w.child (id);
        ALTER TABLE w.child OWNER TO {OWNER};
        INSERT INTO w.t_source (id, value) SELECT i, 'v' FROM generate_series(1, 100) AS i;
        INSERT INTO w.child (id, value) VALUES (101, 'in the child'), (NULL, 'without a key')""")
    bench.pipeline(source="SELECT id, value FROM w.t_source", batch_size=10)
    run = bench.run()
    assert bench.ends(run) == "failed"
    code, message = bench.error(run)
    assert code == "23502" and "key column" in message, (code, message)
    bench.admin.execute("DELETE FROM w.child WHERE id IS NULL")
    run = bench.admin.execute("SELECT etl.retry('p')").fetchone()[0]
    assert bench.ends(run) == "succeeded" and bench.one("SELECT count(*) FROM w.t_target") == 101
