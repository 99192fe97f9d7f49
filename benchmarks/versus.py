"""Other feature stores, each in an environment of its own, beside mlforge in the same run."""

import statistics
import subprocess
import sys

from harness import HERE, last_json

PEERS = HERE / "peers"


def interpreter(options, environment, needs):
    """The Python of a peer's environment, which is made where it is not there yet."""
    if options.peer:
        return options.peer
    command = ["hatch", "run", f"{environment}:python", "-c", "import sys; print(sys.executable)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    except FileNotFoundError:
        sys.exit("hatch makes the peer's environment; or name the Python of one: --peer PATH")
    if done.returncode:
        sys.exit(f"The environment {environment} cannot be made. It needs {needs}.\n{done.stderr}")
    return done.stdout.split()[-1]


def say(found, theirs):
    """How much longer the peers took than each side of mlforge: whole processes, processors, memory."""
    medians = {name: _medians(runs) for name, runs in found.items()}
    for name, mine in medians.items():
        for peer in [n for n in medians if n in theirs and name not in theirs]:
            ratios = (f"{p / m:5.1f} × {what}" for p, m, what in zip(medians[peer], mine, WHAT, strict=True))
            print(f"  {peer:22} over {name:16} {', '.join(ratios)}", flush=True)


def say_joins(found):
    """What each side's own clock says of the retrieval alone, and how many rows it lost."""
    for name, runs in found.items():
        answers = [last_json(run) for run in runs]
        seconds = statistics.median(a["seconds"] for a in answers)
        lost = max(a["lost"] for a in answers)
        print(f"  {name:22} {seconds:8.2f} s retrieving alone, {lost:,} rows lost", flush=True)


WHAT = ("wall", "CPU", "memory")


def _medians(runs):
    return tuple(statistics.median(getattr(run, field) for run in runs) for field in ("seconds", "cpu", "mebibytes"))
