"""Read a Parquet file and write it again: rewrite.py polars|duckdb IN OUT"""

import sys

engine, source, out = sys.argv[1:4]
if engine == "polars":
    import polars as pl

    pl.read_parquet(source).write_parquet(out, compression="zstd", compression_level=1, row_group_size=250_000)
else:
    import duckdb

    duckdb.sql(f"COPY (FROM '{source}') TO '{out}' (ROW_GROUP_SIZE 245760, DICTIONARY_SIZE_LIMIT 2048)")
