"""Training data from a store beside a naive as-of join of the same Parquet."""

import sys
import tempfile
from pathlib import Path

from harness import FLOORS, HERE, alternate, last_json, measure, report


def main(options):
    """1 M labels, 5 M feature rows × 10 columns, Parquet to frame."""
    rows, labels, entities = (int(n * options.scale) for n in (5_000_000, 1_000_000, 100_000))
    with tempfile.TemporaryDirectory() as folder:
        measure([sys.executable, FLOORS / "pit_data.py", rows, labels, entities, 10, folder])
        measure([sys.executable, HERE / "build_rows.py", folder, Path(folder, "store")])
        sides = {
            "floor": [sys.executable, FLOORS / f"pit_{options.engine}.py", folder],
            "mlforge": [sys.executable, HERE / "join_rows.py", folder, Path(folder, "store"), options.engine],
        }
        found = alternate(sides, options.runs)
        compare(found)
        report(
            f"Point in time ({options.engine}): {labels:,} labels, {rows:,} rows × 10 columns",
            found,
            {"mlforge": (1.1 if options.engine == "duckdb" else 0.8, 1.0)},
        )


def compare(found):
    """Exit where the two sides do not give the same number of rows and the same sum."""
    words = found["floor"][-1].output.replace(",", "").split()
    rows, checksum = int(words[words.index("rows") - 1]), float(words[-1])
    mine = last_json(found["mlforge"][-1])
    if mine["rows"] != rows or abs(mine["checksum"] - checksum) > 1e-6 * max(1, abs(checksum)):
        sys.exit(f"the rows differ: floor {rows} / {checksum}, mlforge {mine}")
