"""Two pipelines and eight user sessions upsert the same keys: no error, no lost write."""

import random
import threading
import time

from harness.process import wait_until
from workbench import OWNER

KEYS = 400
USERS = 8
SECONDS = 6


def test_same_keys_from_everywhere(bench):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    users = ", ".join(f"u{number} bigint" for number in range(USERS))
    bench.admin.execute(f"""
        CREATE TABLE w.one (id bigint PRIMARY KEY, a bigint NOT NULL);
        CREATE TABLE w.two (id bigint PRIMARY KEY, b bigint NOT NULL);
        INSERT INTO w.one SELECT n, 0 FROM generate_series(1, {KEYS}) n;
        INSERT INTO w.two SELECT n, 0 FROM generate_series(1, {KEYS}) n;
        CREATE TABLE w.same (id bigint PRIMARY KEY, a bigint, b bigint, {users});
        ALTER TABLE w.one OWNER TO {OWNER}; ALTER TABLE w.two OWNER TO {OWNER}; ALTER TABLE w.same OWNER TO {OWNER}""")
    # Each writer has a column of its own, so that every write can be looked for afterwards.
    bench.pipeline("one", "SELECT id, a FROM w.one", "w.same", batch_size=50)
    bench.pipeline("two", "SELECT id, b FROM w.two", "w.same", batch_size=70, options={"slices": 2})
    until = time.monotonic() + SECONDS
    errors: list = []
    wrote: list = [dict() for _ in range(USERS)]

    def user(number: int) -> None:
        dice = random.Random(f"{seed}/{number}")
        try:
            with bench.owner() as connection:
                n = 0
                while time.monotonic() < until:
                    n += 1
                    key = dice.randint(1, KEYS)
                    if dice.random() < 0.02:
                        connection.execute("DELETE FROM w.same WHERE id > %s", (KEYS,))
                    connection.execute(
                        f"INSERT INTO w.same AS s (id, u{number}) VALUES (%s, %s)"
                        f" ON CONFLICT (id) DO UPDATE SET u{number} = excluded.u{number}",
                        (key, n),
                    )
                    wrote[number][key] = n
        except Exception as error:  # noqa: BLE001 - what it is, is the assertion's business
            errors.append(error)

    def source(number: int) -> None:
        try:
            with bench.owner() as connection:
                while time.monotonic() < until:
                    connection.execute(
                        "UPDATE w.one SET a = a + 1 WHERE id % 7 = %s::int".replace("% 7", "%% 7"), (number,)
                    )
                    connection.execute(
                        "UPDATE w.two SET b = b + 1 WHERE id % 5 = %s::int".replace("% 5", "%% 5"), (number,)
                    )
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=user, args=(number,)) for number in range(USERS)]
    threads.append(threading.Thread(target=source, args=(3,)))
    for thread in threads:
        thread.start()
    runs = 0
    while any(thread.is_alive() for thread in threads):
        started = [bench.run("one"), bench.run("two")]
        for run in started:
            assert bench.ends(run) == "succeeded", (bench.error(run), bench.story(run))
        runs += 2
    for thread in threads:
        thread.join()
    assert errors == []
    for name in ("one", "two"):
        assert bench.ends(bench.run(name)) == "succeeded"
    print(f"{runs} runs, {sum(len(w) for w in wrote)} keys written by users")
    assert runs >= 4
    assert bench.one("SELECT count(*) FROM w.same JOIN w.one USING (id, a) JOIN w.two USING (id, b)") == KEYS
    for number in range(USERS):
        found = dict(bench.admin.execute(f"SELECT id, u{number} FROM w.same WHERE u{number} IS NOT NULL").fetchall())
        assert found == wrote[number], f"user {number} lost a write"
    assert bench.one("SELECT max(attempt) FROM etl.runs") == 1, "a run had to be tried again"


def test_inserts_of_the_same_new_keys_race(bench):
    bench.tables(3000)
    bench.slow_pipeline("slow", rows=3000, batch_size=300, ms=0.2, table="s")
    bench.pipeline("other", "SELECT id, value FROM w.s_source", "w.s_target", batch_size=40)
    with bench.owner() as user:
        runs = [bench.run("slow"), bench.run("other")]
        for key in range(3000, 0, -10):
            user.execute("INSERT INTO w.s_target VALUES (%s, 'mine') ON CONFLICT DO NOTHING", (key,))
    for run in runs:
        assert bench.ends(run) == "succeeded", (bench.error(run), bench.story(run))
    wait_until(lambda: bench.ends(bench.run("other")) == "succeeded", 10)
    assert bench.same("s")
