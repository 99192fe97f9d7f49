"""100 M events built by DuckDB in 4 GB: that it ends, in what time, and in how much memory."""

import sys
import tempfile
from pathlib import Path

from harness import HERE, measure

GOAL = 5 * 1024  # MiB, of the whole process


def main(options):
    """5 M entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates; about 30 GB of disk."""
    events, entities = int(100_000_000 * options.scale), int(5_000_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "events.parquet")
        measure([sys.executable, HERE / "floors/large_events.py", events, entities, data])
        print(f"Large: {events:,} events, {data.stat().st_size / 2**20:,.0f} MiB of Parquet", flush=True)
        run = measure([sys.executable, HERE / "build_large.py", data, Path(folder, "store"), folder])
    goal = f"goal ≤ {GOAL:,}: {'met' if run.mebibytes <= GOAL else 'MISSED'}"
    print(f"  {run.seconds:.0f} s, {run.cpu:.0f} s CPU, peak {run.mebibytes:,.0f} MiB ({goal})")
    print(f"  {run.output.strip()}")
