"""The same windowed build with a fourth window, beside three; and writing each of the two results, alone."""

import shutil
import sys

from harness import FLOORS, alternate, report
from windows import build, work


def main(options):
    """What a window costs, and how much of that is the larger result."""
    with work(options, 10_000_000, 500_000) as made:
        sides = {"three windows": build(options, made), "four windows": build(options, made, "1d,7d,14d,30d")}
        found = alternate(sides, options.runs, made.forget)
        report(f"A fourth window: {made.title}, interval 1 d", found, {"four windows": (1.15, None)})
        writing = {name: _writing(name, command, made, options) for name, command in sides.items()}
        found = alternate(writing, options.runs)
        report("Writing the same rows, read from a file", found, {})


def _writing(name, command, made, options):
    from harness import measure

    made.forget()
    measure(command)
    kept = made.store.parent / f"{name}.parquet"
    shutil.copyfile(made.store / "spend/1.0.0/data.parquet", kept)
    return [sys.executable, FLOORS / "rewrite.py", options.engine, kept, made.out]
