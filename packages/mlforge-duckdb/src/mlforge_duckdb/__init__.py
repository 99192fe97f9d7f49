"""The DuckDB engine of mlforge: features larger than memory, on one machine."""
