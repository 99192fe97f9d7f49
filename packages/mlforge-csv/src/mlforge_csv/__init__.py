"""CSV sources, read by Polars under one set of rules, for every engine that can take a Polars frame."""

from mlforge_csv.scanning import scan_csv
from mlforge_csv.streams import any_zone, frame_of, in_utc, knows_zone
from mlforge_csv.words import dtype_of

__all__ = ["any_zone", "dtype_of", "frame_of", "in_utc", "knows_zone", "scan_csv"]
