"""The Polars engine of mlforge: features computed in memory, on all cores of one machine."""
