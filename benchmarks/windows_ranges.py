"""Aggregations that look at the values of their windows one by one, each beside a hand-written query."""

import sys

from harness import FLOORS, alternate, report
from windows import build, compare_rows, work

WORDS = ("count_distinct:merchant_id", "last", "p90", "last_5", "top_3:merchant_id")
GOALS = {"polars": (1.0, None), "duckdb": (0.8, None)}


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d, one after the other."""
    with work(options, 10_000_000, 500_000) as made:
        for word in WORDS:
            name = word.partition(":")[0]
            floor = [sys.executable, FLOORS / f"ranges_{options.engine}.py", made.events, made.out, name]
            found = alternate(
                {"floor": floor, "mlforge": build(options, made, metrics=word)}, options.runs, made.forget
            )
            compare_rows(found)
            report(f"{name}: {made.title}, interval 1 d", found, {"mlforge": GOALS[options.engine]})
