"""JSON is UTF-8, and definitions, positions and records pass through it: databases of another encoding are refused."""

import psycopg
import pytest


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_the_extension_wants_utf8(pg, encoding):
    name = f"encoding_{encoding.lower()}"
    with pg.connect("postgres") as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        try:
            with pg.connect(name) as connection, pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
                connection.execute("CREATE EXTENSION pg_etl")
            assert refused.value.diag.message_detail == f"It is {encoding}."
            assert "ENCODING 'UTF8'" in refused.value.diag.message_hint
        finally:
            admin.execute(f"DROP DATABASE {name}")
