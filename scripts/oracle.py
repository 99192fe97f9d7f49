"""Compares an installed engine with the reference on generated cases of aggregate, as-of join, settle and check.

    python scripts/oracle.py --cases 100000 --engine polars --seed 7

Most cases are asked about twenty at a time, in worlds of their own under one plan; every twenty-first stands alone.
Ends with 1, and the smallest case that shows it, where they disagree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from mlforge.plugin import EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge.testing.engines.bench import Bench
from mlforge.testing.oracle import disagreement
from mlforge.testing.reference import DESCRIPTOR

STRIDE = 1_000
SEEDS = 1_000_000
"""How far apart the seeds of two strides are: more than one stride uses."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100_000, help="how many cases (default: 100000)")
    parser.add_argument("--engine", default="", help="the engine's name (default: the default engine)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other cases (default: 0)")
    return parser.parse_args()


def descriptor(name: str) -> EngineDescriptor:
    return DESCRIPTOR if name == DESCRIPTOR.name else registry().get(EngineDescriptor, name)


def main() -> int:
    options = arguments()
    announced = descriptor(options.engine or registry().default_engine())
    with announced.config().open() as engine, tempfile.TemporaryDirectory() as folder:
        return run(Bench(engine, announced, Path(folder)), options.cases, options.seed)


def run(bench: Bench, cases: int, seed: int) -> int:
    """Ask in strides, telling how far it has come."""
    started, seconds = time.perf_counter(), 0.0
    for stride in range(-(-cases // STRIDE)):
        number = min(STRIDE, cases - stride * STRIDE)
        found = disagreement(bench, number, (seed * SEEDS + stride) * STRIDE + 1)
        seconds = time.perf_counter() - started
        print(f"{bench.descriptor.name}: {bench.cases:,} of {cases:,} cases in {seconds:,.0f} s", flush=True)
        if found:
            print(f"\nThe engine and the reference disagree.\n\n{found}", file=sys.stderr)
            return 1
    rate = bench.cases / max(seconds, 0.001)
    print(f"{bench.descriptor.name} agrees with the reference on {bench.cases:,} cases ({rate:,.0f} a second).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
