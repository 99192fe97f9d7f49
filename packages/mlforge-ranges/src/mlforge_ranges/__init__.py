"""Values of ranges of a sequence, for every engine that can take a Polars series."""

from mlforge_ranges.ranges import Ranges

__all__ = ["Ranges"]
