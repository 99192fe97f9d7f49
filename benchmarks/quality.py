"""What it costs to measure what a build makes: the build with its figures beside the build without."""

import sys
from pathlib import Path

from harness import HERE, alternate, report
from windows import work

GOAL = 1.05


def main(options):
    """10 M events of 500,000 entities over 365 days, interval 1 d, windows 1 d, 7 d, 30 d × 5 aggregates."""
    with work(options, 10_000_000, 500_000) as made:
        command = [sys.executable, HERE / "build_quality.py", made.events, Path(made.store), options.engine]
        sides = {"not measured": [*command, "plain"], "measured": [*command, "quality"]}
        report(f"Quality: {made.title}", alternate(sides, options.runs), {"measured": (GOAL, None)})
