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
    """What one process took: wall seconds, peak memory in MiB, and what it printed."""

    seconds: float
    mebibytes: float
    output: str


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
    return Run(seconds, usage.ru_maxrss / 1024, text)


def alternate(sides, runs, before=lambda name: None):
    """Run each side in turn, once uncounted and then `runs` times. Gives the runs by side."""
    found = {name: [] for name in sides}
    for counted in range(-1, runs):
        for name, command in sides.items():
            before(name)
            run = measure(command)
            if counted >= 0:
                found[name].append(run)
    return found


def report(title, found, goals):
    """Print medians, and the ratio of each side to the first, beside its goal. Gives the ratios of time."""
    first, *_ = found
    medians = {n: Run(*(statistics.median(x) for x in zip(*[(r.seconds, r.mebibytes) for r in rs])), "") for n, rs in found.items()}
    print(f"\n{title}")
    for name, median in medians.items():
        spread = f"{min(r.seconds for r in found[name]):.2f}–{max(r.seconds for r in found[name]):.2f}"
        line = f"  {name:22} {median.seconds:8.3f} s ({spread})  {median.mebibytes:8,.0f} MiB"
        if name != first:
            time_ratio, memory_ratio = median.seconds / medians[first].seconds, median.mebibytes / medians[first].mebibytes
            goal_time, goal_memory = goals.get(name, (None, None))
            line += f"   time × {time_ratio:.2f}{_goal(time_ratio, goal_time)}, memory × {memory_ratio:.2f}{_goal(memory_ratio, goal_memory)}"
        print(line, flush=True)
    return {n: m.seconds / medians[first].seconds for n, m in medians.items()}


def _goal(ratio, goal):
    return "" if goal is None else f" (goal ≤ {goal}: {'met' if ratio <= goal else 'MISSED'})"


def last_json(run):
    """The JSON document on the last line a process printed."""
    return json.loads(run.output.strip().splitlines()[-1])
