"""Training data from many features of many columns beside naive as-of joins of the same Parquet."""

import sys
import tempfile
from pathlib import Path

from harness import FLOORS, HERE, alternate, measure, report
from pit import compare

FEATURES = 10


def main(options):
    """17,000 labels, 10 features of 100,000 rows × 100 columns, Parquet to frame; the floor is Polars for both."""
    rows, labels, entities = (int(n * options.scale) for n in (100_000, 17_000, 10_000))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        measure([sys.executable, FLOORS / "pit_many_data.py", rows, labels, entities, FEATURES, 100, folder])
        measure([sys.executable, HERE / "build_many.py", folder, store, FEATURES])
        sides = {
            "floor": [sys.executable, FLOORS / "pit_many_polars.py", folder, FEATURES],
            "mlforge": [sys.executable, HERE / "join_many.py", folder, store, options.engine, FEATURES],
        }
        found = alternate(sides, options.runs)
        compare(found)
        title = (
            f"Point in time ({options.engine}): {labels:,} labels, {FEATURES} features of {rows:,} rows × 100 columns"
        )
        report(title, found, {"mlforge": (1.0, None)})
