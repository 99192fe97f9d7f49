"""Run whole processes in turn and compare their medians."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
FLOORS = HERE / "floors"


class Run(NamedTuple):
    """What one process took: wall seconds, peak memory in MiB, what it printed, and seconds of all processors."""

    seconds: float
    mebibytes: float
    output: str
    cpu: float = 0.0


def measure(command, cwd=None, env=None):
    """Run a process to its end. Exits where it fails: a benchmark of a failure is none."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{text}")
    return Run(seconds, usage.ru_maxrss / 1024, text, usage.ru_utime + usage.ru_stime)


def alternate(sides, runs, before=lambda: None, *, warm=True):
    """Run each side in turn, once uncounted where `warm` and then `runs` times. Gives the runs by side."""
    found = {name: [] for name in sides}
    for counted in range(-1 if warm else 0, runs):
        for name, command in sides.items():
            before()
            run = measure(command)
            if counted >= 0:
                found[name].append(run)
    return found


def report(title, found, goals):
    """Print medians, and the ratio of each side to the first, beside its goal. Gives the ratios of time."""
    first, *_ = found
    medians = {name: _median(runs) for name, runs in found.items()}
    print(f"\n{title}")
    for name, median in medians.items():
        spread = f"{min(r.seconds for r in found[name]):.2f}–{max(r.seconds for r in found[name]):.2f}"
        line = f"  {name:22} {median.seconds:8.3f} s ({spread})  {median.cpu:7.2f} s CPU  {median.mebibytes:8,.0f} MiB"
        print(line + ("" if name == first else _ratios(median, medians[first], goals.get(name))), flush=True)
    return {name: m.seconds / medians[first].seconds for name, m in medians.items()}


def _median(runs):
    seconds, mebibytes, cpu = (statistics.median(getattr(r, f) for r in runs) for f in ("seconds", "mebibytes", "cpu"))
    return Run(seconds, mebibytes, "", cpu)


def _ratios(mine, theirs, goals):
    time_goal, memory_goal = goals or (None, None)
    seconds, memory = mine.seconds / theirs.seconds, mine.mebibytes / theirs.mebibytes
    return (
        f"   time × {seconds:.2f}{_goal(seconds, time_goal)}, CPU × {mine.cpu / theirs.cpu:.2f}, "
        f"memory × {memory:.2f}{_goal(memory, memory_goal)}"
    )


def _goal(ratio, goal):
    return "" if goal is None else f" (goal ≤ {goal}: {'met' if ratio <= goal else 'MISSED'})"


def last_json(run):
    """The last JSON document a process printed."""
    return json.loads(next(line for line in reversed(run.output.splitlines()) if line.startswith("{")))
