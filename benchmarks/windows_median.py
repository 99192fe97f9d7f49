"""Medians in windows: they do not add up over tiles, so every window looks at its events."""

from harness import alternate, report
from windows import build, compare_rows, floor, work


def main(options):
    """2 M events of 100,000 entities, interval 1 d, the median of windows 1 d, 7 d, 30 d."""
    with work(options, 2_000_000, 100_000) as made:
        ours = build(options, made, metrics="median")
        found = alternate({"floor": floor("median_duckdb.py", made), "mlforge": ours}, options.runs, made.forget)
        compare_rows(found)
        report(f"Medians: {made.title}, interval 1 d; the floor is DuckDB's", found, {})
