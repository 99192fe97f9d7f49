"""CSV sources, read by Polars under one set of rules, for every engine that can take a Polars frame."""

from mlforge_csv.scanning import scan_csv
from mlforge_csv.words import dtype_of

__all__ = ["dtype_of", "scan_csv"]
