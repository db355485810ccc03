"""The keeper and the leases: what they must not be kept from, and what they must not do."""

import threading

import psycopg
import pytest
from harness.places import as_service_user
from harness.postgres import PostgresServer
from harness.process import run, wait_until
from harness.trees import installed_tree
from workbench import OWNER, elapsed, workbench

SLEEP = "SELECT id, value FROM w.t_source, LATERAL (SELECT pg_sleep(60) WHERE id = id) s"
GATE = 4711


def transactions(connection, database: str) -> int:
    """How many transactions have ended in a database, seen from another one."""
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return connection.execute(
        "SELECT coalesce(sum(xact_commit + xact_rollback), 0)::bigint FROM pg_stat_database WHERE datname = %s",
        (database,),
    ).fetchone()[0]


def keeper_looks(connection, database: str, times: int = 4) -> None:
    """Waits until the keeper has looked that often; nobody else may work in the database meanwhile."""
    before = transactions(connection, database)
    wait_until(lambda: transactions(connection, database) >= before + 2 * times, 30, "the keeper looks", 0.1)


# What others may have set


def test_a_database_owner_gains_nothing_by_the_search_path():
    settings = {"autovacuum": "off"}
    with PostgresServer(installed_tree("15"), "hostile", preload=True, settings=settings) as server:
        with server.connect() as admin:
            admin.execute("CREATE ROLE mallory LOGIN CREATEDB")
        with server.connect(user="mallory") as mallory:
            mallory.execute("CREATE DATABASE trap")
        with server.connect("trap", "mallory") as mallory:
            mallory.execute("""
                CREATE SCHEMA evil;
                CREATE TABLE evil.seen AS SELECT current_user::text AS who WHERE false;
                CREATE FUNCTION evil.equal(a name, b name) RETURNS boolean LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO evil.seen VALUES (current_user);
                    ALTER ROLE mallory SUPERUSER;
                    RETURN true;
                END$$;
                CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.equal);
                ALTER DATABASE trap SET search_path = evil, pg_catalog, public""")
        with server.connect() as admin:
            before = transactions(admin, "trap")
        server.restart()
        with server.connect() as admin:
            wait_until(lambda: transactions(admin, "trap") > before, 20, "the launcher's keeper has been there")
            assert not admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'").fetchone()[0]
        with server.connect("trap") as admin:
            assert admin.execute("TABLE evil.seen").fetchall() == []
        assert server.crash_lines() == []


@pytest.mark.parametrize("whose", ["DATABASE {database}", f"ROLE {OWNER} IN DATABASE {{database}}"])
def test_defaults_of_transactions_do_not_stop_a_run(bench, whose):
    bench.tables(100)
    bench.pipeline()
    for setting in ("read_only = on", "isolation = serializable", "deferrable = on"):
        bench.admin.execute(f"ALTER {whose.format(database=bench.name)} SET default_transaction_{setting}")
    run_id = bench.run()
    assert bench.ends(run_id, 15) == "succeeded" and bench.same()
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run_id) == 1


# Too many runs


def test_runs_that_wait_cost_nothing_and_start_when_one_ends():
    settings = {"autovacuum": "off", "etl.max_workers": 2}
    with PostgresServer(installed_tree("15"), "waiting", preload=True, settings=settings) as server:
        for bench in workbench(server):
            for number in range(4):
                bench.tables(10, f"t{number}")
                bench.pipeline(f"p{number}", SLEEP.replace("w.t_", f"w.t{number}_"), table=f"t{number}")
            for number in range(2):
                assert bench.worker_pid(bench.run(f"p{number}"))
            for number in range(2, 4):
                bench.run(f"p{number}")
            wait_until(lambda: bench.processes("pg_etl worker") == 2, 10, "those without room have left")
            with server.connect() as admin:
                usage = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"

                def free_of_charge() -> bool:
                    before = admin.execute(usage).fetchone()
                    keeper_looks(admin, bench.name)
                    return admin.execute(usage).fetchone() == before

                # A worker that is refused its run uses one, and may come late.
                wait_until(free_of_charge, 20, "no transaction ids are used while runs wait")
            assert [bench.state(f"p{number}") for number in (2, 3)] == ["RUN_REQUESTED"] * 2
            bench.admin.execute("SELECT etl.cancel('p0'), etl.cancel('p1')")
            for number in (2, 3):
                wait_until(lambda n=number: bench.state(f"p{n}") == "RUNNING", 10, "a waiting run starts")
            bench.admin.execute("SELECT etl.cancel('p2'), etl.cancel('p3')")
        assert server.crash_lines() == []


def test_after_a_request_without_a_slot_each_database_is_looked_into_once():
    # Of four slots replication's launcher has one and the keeper another.
    settings = {"autovacuum": "off", "max_worker_processes": 4, "log_min_messages": "debug1"}
    with PostgresServer(installed_tree("15"), "starved", settings=settings) as server:
        with server.connect() as admin:
            for number in range(4):
                admin.execute(f"CREATE DATABASE other_{number}")
            oids = [row[0] for row in admin.execute("SELECT oid::text FROM pg_database WHERE NOT datistemplate")]
        for bench in workbench(server):
            for number in range(3):
                bench.tables(10, f"t{number}")
                bench.pipeline(f"p{number}", SLEEP.replace("w.t_", f"w.t{number}_"), table=f"t{number}")
            assert bench.worker_pid(bench.run("p0")) and bench.worker_pid(bench.run("p1"))
            bench.run("p2")
            bench.admin.execute("SELECT etl.cancel('p2'), etl.cancel('p1')")

            def keepers() -> list:
                log = server.log()
                return [
                    log.count(f':  registering background worker "pg_etl keeper of database {oid}"') for oid in oids
                ]

            wait_until(lambda: all(keepers()), 40, "each database has been looked into", 0.1)
            with server.connect() as admin:
                keeper_looks(admin, bench.name)
            assert keepers() == [1] * len(oids)
            bench.admin.execute("SELECT etl.cancel('p0')")


def test_the_only_slot_is_for_the_run_not_for_its_keeper():
    with PostgresServer(installed_tree("15"), "one_slot", settings={"autovacuum": "off"}) as server:

        def restart_with(slots: int) -> None:
            with server.connect() as admin:
                admin.execute(f"ALTER SYSTEM SET max_worker_processes = {slots}")
            server.restart()

        for bench in workbench(server):
            bench.tables(10)
            bench.pipeline()
            bench.admin.close()
            restart_with(1)  # replication's launcher has it
            with bench.owner() as owner:
                run_id = owner.execute("SELECT etl.run('p')").fetchone()[0]
            restart_with(2)
            with bench.owner() as owner:
                assert owner.execute("SELECT etl.wait(%s, '20 s')", (run_id,)).fetchone()[0] == "succeeded"


# Other sessions


def test_an_open_transaction_of_a_user_does_not_stop_the_keeper(bench):
    for name in ("held", "lost"):
        bench.slow_pipeline(name, rows=20_000, ms=1, table=name)
    runs = {name: bench.run(name) for name in ("held", "lost")}
    pids = {name: bench.worker_pid(runs[name]) for name in runs}
    with bench.owner(autocommit=False) as user:
        user.execute("SELECT etl.pause('held')")  # locks the state's row
        for name in ("held", "lost"):
            bench.admin.execute("SELECT pg_terminate_backend(%s)", (pids[name],))
        wait_until(
            lambda: bench.one("SELECT attempt FROM etl.runs WHERE id = %s", runs["lost"]) == 2, 10, "a second attempt"
        )
        assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", runs["held"]) == 1
        user.rollback()
    wait_until(lambda: bench.one("SELECT attempt FROM etl.runs WHERE id = %s", runs["held"]) == 2, 10, "the other, too")
    bench.admin.execute("SELECT etl.cancel('held'), etl.cancel('lost')")


def test_a_lost_run_of_a_disabled_pipeline_ends(bench):
    bench.slow_pipeline(rows=20_000, ms=1)
    run_id = bench.run()
    pid = bench.worker_pid(run_id)
    bench.admin.execute("SELECT etl.disable('p')")
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert bench.ends(run_id, 15) == "failed" and bench.state() == "FAILED"
    assert bench.error(run_id)[0] == "PE040"
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run_id) == 1


def test_an_owner_who_may_not_connect_ends_the_run(bench):
    bench.tables(100)
    bench.pipeline()
    bench.admin.execute(f"REVOKE CONNECT ON DATABASE {bench.name} FROM PUBLIC")
    run_id = bench.run()
    assert bench.ends(run_id, 15) == "failed" and bench.state() == "FAILED"
    code, message = bench.error(run_id)
    assert code == "42501" and "cannot connect to this database" in message, (code, message)
    bench.admin.execute(f"GRANT CONNECT ON DATABASE {bench.name} TO {OWNER}")
    assert bench.ends(bench.run()) == "succeeded" and bench.same()


def test_a_pipeline_that_is_being_renamed_does_not_stop_the_others(bench):
    for name in ("mine", "other"):
        bench.tables(10, name)
        bench.pipeline(name, table=name)
    with bench.owner(autocommit=False) as first, bench.owner(autocommit=False) as second:
        mine = first.execute("SELECT etl.run('mine')").fetchone()[0]
        rename = threading.Thread(target=second.execute, args=("SELECT etl.rename_pipeline('mine', 'mine2')",))
        rename.start()
        wait_until(lambda: bench.one("SELECT count(*) FROM pg_locks WHERE NOT granted"), 10, "the rename waits")
        first.commit()
        rename.join()
        assert bench.ends(bench.run("other"), 10) == "succeeded"
        assert bench.one("SELECT status FROM etl.runs WHERE id = %s", mine) == "requested"
        # The worker does not keep its slot for that long.
        wait_until(lambda: bench.processes("pg_etl worker") == 0, 10, "the worker has left")
        second.commit()
    assert bench.ends(mine) == "succeeded" and bench.same("mine")


# Leases


def test_a_lease_is_newer_than_those_of_an_extension_that_was_dropped(bench):
    def epoch() -> int:
        assert bench.ends(bench.run()) == "succeeded"
        return bench.one("SELECT epoch FROM etl.pipeline_state")

    bench.tables(10)
    bench.pipeline()
    before = epoch()
    bench.admin.execute("DROP EXTENSION pg_etl; CREATE EXTENSION pg_etl")
    bench.admin.execute(f"GRANT USAGE ON SCHEMA etl TO {OWNER}")
    bench.admin.execute(f"SELECT etl.allow_target('w.*', '{OWNER}')")
    bench.pipeline()
    assert epoch() > before


def holders(bench) -> list:
    """Processes that have the lease of slice 0 of a pipeline."""
    return [
        row[0]
        for row in bench.admin.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3697 AND classid <> 0 AND objid = 0"
            " AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        ).fetchall()
    ]


def test_users_cannot_give_back_a_lease(bench):
    """pg_advisory_unlock_all() in a trigger: in a batch that commits, in one that fails, and in the one after."""
    bench.tables(400)
    bench.admin.execute(f"""
        CREATE SEQUENCE w.tries; ALTER SEQUENCE w.tries OWNER TO {OWNER};
        CREATE FUNCTION w.unlock() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_unlock_all();
            IF new.id = 250 AND nextval('w.tries') = 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF;
            IF new.id IN (50, 350) THEN PERFORM pg_advisory_xact_lock({GATE} + new.id); END IF;
            RETURN new;
        END$$;
        ALTER FUNCTION w.unlock OWNER TO {OWNER};
        CREATE TRIGGER unlock BEFORE INSERT ON w.t_target FOR EACH ROW EXECUTE FUNCTION w.unlock()""")
    bench.pipeline(batch_size=100, options={"retry_backoff": ["50ms"]})
    with bench.server.connect(bench.name) as gate:
        for at in (50, 350):
            gate.execute(f"SELECT pg_advisory_lock({GATE} + {at})")
        run_id = bench.run()
        pid = bench.worker_pid(run_id)
        for at in (50, 350):
            blocked = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted AND objid = %s"
            wait_until(lambda at=at: bench.one(blocked, pid, GATE + at), 10, f"the worker is at row {at}", 0.01)
            assert holders(bench) == [pid]
            gate.execute(f"SELECT pg_advisory_unlock({GATE} + {at})")
    assert bench.ends(run_id) == "succeeded" and bench.same()
    assert not any(reason == "worker lost" for _, _, reason in bench.story(run_id))
    wait_until(lambda: holders(bench) == [], 10, "the lease went with the worker")


# Versions


def test_a_keeper_of_another_version_leaves_and_does_not_come_back(bench):
    run_id, _ = sleeper(bench)
    wait_until(lambda: bench.processes("pg_etl keeper") == 1, 5, "the keeper is there")
    version = bench.one("SELECT extversion FROM pg_extension WHERE extname = 'pg_etl'")
    bench.admin.execute("UPDATE pg_extension SET extversion = '0.0.0' WHERE extname = 'pg_etl'")
    bench.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'pg_etl keeper'"
    )
    # It has a restart time of 5 s.
    wait_until(lambda: "the keeper leaves: the library of pg_etl" in bench.server.log(), 15, "the keeper says why")
    assert bench.processes("pg_etl keeper") == 0
    bench.admin.execute("UPDATE pg_extension SET extversion = %s WHERE extname = 'pg_etl'", (version,))
    bench.admin.execute("SELECT etl.cancel('p')")
    assert bench.status(run_id) == "cancelled"


def sleeper(bench):
    bench.tables(10)
    bench.pipeline(source=SLEEP)
    run_id = bench.run()
    return run_id, bench.worker_pid(run_id)


# Databases and servers


def test_a_keeper_does_not_hold_up_drop_and_create_database(bench):
    bench.tables(10)
    bench.pipeline()
    assert bench.ends(bench.run()) == "succeeded"
    assert bench.processes("pg_etl keeper") == 1
    bench.admin.close()
    with bench.server.connect() as admin:
        assert elapsed(lambda: admin.execute(f"CREATE DATABASE copy TEMPLATE {bench.name}")) < 5
        assert elapsed(lambda: admin.execute("DROP DATABASE copy")) < 5
        assert elapsed(lambda: admin.execute(f"DROP DATABASE {bench.name}")) < 5


def test_a_standby_starts_nobody_and_refuses_to_ask():
    tree = installed_tree("15")
    with PostgresServer(tree, "primary") as primary:
        for bench in workbench(primary):
            bench.tables(10)
            bench.pipeline(source=SLEEP)
            bench.worker_pid(bench.run())
            with standby_of(primary) as standby:
                wait_until(lambda: replayed(primary, standby), 20, "the standby has caught up")
                with standby.connect(bench.name) as session:
                    session.execute("SET statement_timeout = '10s'")
                    session.execute("SELECT etl.health()")  # the first call of a session
                    with pytest.raises(psycopg.Error) as refused:
                        session.execute("SELECT etl.preview('p')")
                    assert refused.value.sqlstate == "25006"
                    assert session.execute("SELECT status FROM etl.runs").fetchone()[0] == "running"
                registered = [line for line in standby.log().splitlines() if "registering background worker" in line]
                assert not any("pg_etl" in line for line in registered)
                assert standby.crash_lines() == []
            bench.admin.execute("SELECT etl.cancel('p')")


def test_a_promoted_standby_goes_on_with_the_run():
    with PostgresServer(installed_tree("15"), "primary", preload=True) as primary:
        for bench in workbench(primary):
            bench.slow_pipeline(rows=20_000, ms=1, batch_size=200)
            bench.first_batch(bench.run())
            with standby_of(primary, preload=True) as standby:
                wait_until(lambda: replayed(primary, standby), 20, "the standby has caught up")
                bench.admin.close()
                primary.stop("immediate")
                with standby.connect(bench.name) as session:

                    def one(sql: str):
                        return session.execute(sql).fetchone()[0]

                    assert one("SELECT status FROM etl.runs") == "running"
                    before = one("SELECT count(*) FROM w.t_target")
                    assert 0 < before < 20_000
                    session.execute("SELECT pg_promote()")
                    ended = "SELECT status IN ('succeeded', 'failed') FROM etl.runs"
                    wait_until(lambda: one(ended), 90, "the run ends by itself")
                    assert one("SELECT status FROM etl.runs") == "succeeded"
                    wrong = "SELECT count(*) FROM w.t_source AS s FULL JOIN w.t_target AS t USING (id, value)"
                    assert one(f"{wrong} WHERE s.id IS NULL OR t.id IS NULL") == 0
                    assert one("SELECT rows_inserted FROM etl.runs") == 20_000
                assert standby.crash_lines() == []
            primary.start()


def standby_of(primary, preload: bool = False) -> PostgresServer:
    """A hot standby, as a server of its own."""
    standby = PostgresServer(
        primary.tree,
        "standby",
        preload=preload,
        settings={
            "log_min_messages": "debug1",
            "primary_conninfo": f"host=127.0.0.1 port={primary.port} user=postgres",
        },
    )
    command = [primary.tree.bin / "pg_basebackup", "-h", "127.0.0.1", "-p", primary.port, "-U", "postgres"]
    run(
        as_service_user([*command, "-X", "stream", "-c", "fast", "-D", standby.data]),
        env=primary.tree.environment(),
        cwd=standby.home,
    )
    (standby.data / "standby.signal").touch()
    return standby


def replayed(primary, standby) -> bool:
    with primary.connect() as one, standby.connect() as other:
        lsn = one.execute("SELECT pg_current_wal_lsn()").fetchone()[0]
        return other.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,)).fetchone()[0]
