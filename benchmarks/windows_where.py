"""A sum of some of the events beside the sum of all."""

from harness import alternate, report
from windows import build, work


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d."""
    with work(options, 10_000_000, 500_000) as made:
        sides = {"all events": build(options, made, metrics="sum"), "where": build(options, made, metrics="sum?")}
        found = alternate(sides, options.runs, made.forget)
        report(f"where=: {made.title}, interval 1 d", found, {"where": (1.05, None)})
