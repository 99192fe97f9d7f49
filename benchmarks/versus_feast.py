"""Training data by Feast 0.67, with its DuckDB store and its default, and by mlforge."""

import sys
import tempfile
from pathlib import Path

from harness import FLOORS, alternate, last_json, measure, report
from versus import PEERS, interpreter, say, say_joins


def main(options):
    """1 M labels × 5 M rows × 10 columns; with --more, 17,000 labels × 10 features of 100 columns."""
    python = interpreter(options, "peer-feast", "Python 3.11: hatch python install 3.11")
    with tempfile.TemporaryDirectory() as folder:
        title, count = wide(folder, options.scale) if options.more else long(folder, options.scale)
        store = Path(folder, "store")
        run = PEERS / "pit_mlforge.py"
        measure([sys.executable, run, "build", folder, store, "polars", count])
        theirs = {f"feast {kind}": [python, PEERS / "pit_feast.py", folder, kind, count] for kind in ("duckdb", "file")}
        ours = {f"mlforge {e}": [sys.executable, run, "join", folder, store, e, count] for e in ("polars", "duckdb")}
        found = alternate(theirs | ours, options.runs, warm=options.runs > 1)
    compare(found)
    report(f"Against Feast 0.67: {title}", found, {})
    say(found, theirs)
    say_joins(found)


def long(folder, scale):
    """One feature with many rows."""
    rows, labels, entities = (int(n * scale) for n in (5_000_000, 1_000_000, 100_000))
    measure([sys.executable, FLOORS / "pit_data.py", rows, labels, entities, 10, folder])
    return f"{labels:,} labels, {rows:,} rows × 10 columns", 1


def wide(folder, scale):
    """Ten features with many columns."""
    rows, labels, entities = (int(n * scale) for n in (100_000, 17_000, 10_000))
    for number in range(10):
        measure([sys.executable, FLOORS / "pit_data.py", rows, labels, entities, 100, folder])
        Path(folder, "features.parquet").rename(Path(folder, f"features-{number}.parquet"))
    return f"{labels:,} labels, 10 features of {rows:,} rows × 100 columns", 10


def compare(found):
    """Exit where the sides do not give the same sum, so that nobody is fast by answering something else."""
    sums = {name: last_json(runs[-1])["checksum"] for name, runs in found.items()}
    first = next(iter(sums.values()))
    if any(abs(s - first) > 1e-6 * max(1, abs(first)) for s in sums.values()):
        sys.exit(f"the values differ: {sums}")
