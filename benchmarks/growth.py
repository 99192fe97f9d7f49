"""How the time of every aggregation grows with the events of one entity, all of which a window holds."""

import sys

from harness import HERE, measure

EVENTS = (50_000, 100_000, 200_000)


def main(options):
    """One entity, no interval, a window that holds everything: seconds of all cores, and how they grow."""
    sizes = [int(n * options.scale) for n in EVENTS]
    print(f"\nOne entity of {', '.join(f'{n:,}' for n in sizes)} events in a window of 30 d ({options.engine})")
    print(measure([sys.executable, HERE / "grow.py", options.engine, options.runs, *sizes]).output, end="")
