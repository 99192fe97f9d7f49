"""What `import mlforge` and `mlforge --help` cost over a bare interpreter."""

import statistics
import sys

from harness import alternate, report


def main(options):
    """Whole processes; the goals are 60 ms and 120 ms more than `python -c pass`."""
    bare = [sys.executable, "-c", "pass"]
    sides = {
        "bare interpreter": bare,
        "import mlforge": [sys.executable, "-c", "import mlforge"],
        "mlforge --help": [sys.executable, "-m", "mlforge", "--help"],
    }
    found = alternate(sides, max(options.runs, 15))
    report("Start", found, {})
    middle = {n: statistics.median(r.seconds for r in rs) * 1000 for n, rs in found.items()}
    for name, goal in (("import mlforge", 60), ("mlforge --help", 120)):
        extra = middle[name] - middle["bare interpreter"]
        print(f"  {name}: {extra:.0f} ms more (goal ≤ {goal}: {'met' if extra <= goal else 'MISSED'})")
