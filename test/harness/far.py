"""What makes two PostgreSQL servers `near` and `far` of each other: a role there, and here the SQL/MED server `far`.

The server may be the same one; then it is another database of it.
"""

import psycopg

from .postgres import PostgresServer
from .process import wait_until
from .secret_files import make_secret

READER = "far_reader"
PASSWORD = "far away"


def let_in(far: PostgresServer) -> None:
    """The role READER, who needs a password."""
    rule = f"host all {READER} 127.0.0.1/32 scram-sha-256\n"
    rules = far.data / "pg_hba.conf"
    if rule not in rules.read_text(encoding="utf-8"):
        rules.write_text(rule + rules.read_text(encoding="utf-8"), encoding="utf-8")
    with far.connect() as admin:
        admin.execute(f"DROP ROLE IF EXISTS {READER}; CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
    far.reload()
    wait_until(lambda: _asks(far), 10, "a password is asked for")


def _asks(far: PostgresServer) -> bool:
    try:
        far.connect(user=READER).close()
        return False
    except psycopg.OperationalError:
        return True


def make_far_database(far: PostgresServer, name: str) -> None:
    """READER may write what will be in its public."""
    with far.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
    with far.connect(name) as admin:
        admin.execute(
            f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {READER}; GRANT ALL ON SCHEMA public TO {READER}"
        )


def make_far(admin, near: PostgresServer, far: PostgresServer, name: str, owner: str) -> None:
    """In the database of the superuser's connection `admin`: `owner` reaches the database `name` as server far."""
    url = f"postgresql://127.0.0.1:{far.port}/{name}"
    make_secret(near, "far.secret", url, PASSWORD)
    near.wait_until("SELECT current_setting('etl.secrets_directory') <> ''")
    admin.execute(f"""
        CREATE SERVER far TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}');
        GRANT USAGE ON FOREIGN SERVER far TO {owner};
        CREATE USER MAPPING FOR {owner} SERVER far OPTIONS (user '{READER}', password_file 'far.secret');
        SELECT etl.allow_target('far:public.*', '{owner}');
        SET etl.allowed_hosts = '127.0.0.1:{far.port}';
        ALTER DATABASE {admin.info.dbname} SET etl.allowed_hosts FROM CURRENT""")
