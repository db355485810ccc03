"""One dlt run, in dlt's own Python: dlt_copy.py URL SCHEMA SOURCE TARGET. Prints its seconds, imports not counted.

The fastest of dlt's documented ways that were tried (pyarrow or ConnectorX, CSV or Parquet, upsert or delete-insert):
ConnectorX reads Arrow batches, which become a Parquet file, ADBC copies that into a staging table by binary COPY, one
MERGE writes the target. ConnectorX wants reflection_level="minimal": else its columns do not fit the staging table's.
"""

import sys
import time

import dlt
from dlt.sources.sql_database import sql_table


def main() -> None:
    url, schema, source, target = sys.argv[1:]
    start = time.monotonic()
    rows = sql_table(
        url.replace("postgresql:", "postgresql+psycopg2:"),  # for the reflection; SQLAlchemy's own choice is psycopg 3
        source,
        schema,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
        reflection_level="minimal",
        write_disposition={"disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": True},
    )
    pipeline = dlt.pipeline("bench", destination=dlt.destinations.postgres(url), dataset_name=schema)
    pipeline.run(rows, table_name=target, loader_file_format="parquet").raise_on_failed_jobs()
    print(time.monotonic() - start)


if __name__ == "__main__":
    main()
