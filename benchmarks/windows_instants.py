"""Windowed features without an interval: a row at every instant at which an event enters or leaves."""

from harness import alternate, report
from windows import build, compare_rows, floor, work


def main(options):
    """2 M events of 100,000 entities, windows 1 d, 7 d, 30 d × 5 aggregates."""
    with work(options, 2_000_000, 100_000) as made:
        ours = build(options, made, interval="none")
        found = alternate(
            {"floor": floor(f"instants_{options.engine}.py", made), "mlforge": ours}, options.runs, made.forget
        )
        compare_rows(found)
        report(f"Windows: {made.title}, no interval", found, {})
