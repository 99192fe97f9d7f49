"""Spark on two cores: windows and point-in-time joins beside hand-written queries for the same rows."""

import sys
import tempfile
from pathlib import Path

import windows
from harness import FLOORS, HERE, alternate, last_json, measure, report
from pit import compare


def main(options):
    """10 M events of 500,000 entities; 1 M labels over 5 M rows × 10 columns, without and with 40 % in one key."""
    options.engine = "spark"
    with windows.work(options, 10_000_000, 500_000) as made:
        sides = {
            "floor": windows.floor("windows_spark.py", made),
            "mlforge": [sys.executable, HERE / "build_windows_spark.py", made.events, made.store],
        }
        sides |= {"naive": windows.floor("windows_spark_naive.py", made)} if options.more else {}
        found = alternate(sides, options.runs, made.forget, warm=False)
        windows.compare_rows(found)
        report(f"Windows: {made.title}, interval 1 d", found, {})
        say_cpu(found, 0.9)
    for share, goal in ((0.0, 1.1), (0.4, 0.7)):
        _joined(options, share, goal)


def _joined(options, share, goal):
    rows, labels, entities = (int(n * options.scale) for n in (5_000_000, 1_000_000, 100_000))
    with tempfile.TemporaryDirectory() as folder:
        store, out = Path(folder, "store"), Path(folder, "out")
        measure([sys.executable, FLOORS / "pit_data.py", rows, labels, entities, 10, folder, share])
        measure([sys.executable, HERE / "build_rows.py", folder, store])
        sides = {
            "floor": [sys.executable, FLOORS / "pit_spark.py", folder, out],
            "mlforge": [sys.executable, HERE / "join_rows_spark.py", folder, store, out],
        }
        found = alternate(sides, options.runs, warm=False)
        compare(found)
        title = f"Point in time: {labels:,} labels, {rows:,} rows × 10 columns, {share:.0%} in one key"
        report(title, found, {"mlforge": (goal, None)})


def say_cpu(found, goal):
    """The share of the floor's CPU that mlforge takes, beside its goal."""
    floor, mine = (min(run.cpu for run in found[name]) for name in ("floor", "mlforge"))
    print(f"  CPU × {mine / floor:.2f} (goal ≤ {goal}: {'met' if mine <= goal * floor else 'MISSED'})", flush=True)
    print(f"  the last build said: {last_json(found['mlforge'][-1])}", flush=True)
