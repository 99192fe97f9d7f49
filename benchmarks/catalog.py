"""The catalog of 5,000 features with two versions each: how long it takes, and how large it is."""

import sys
import tempfile
from pathlib import Path

from harness import measure
from invented import store_of

import mlforge as mlf

PROFILES = "default_profile: dev\nprofiles: {dev: {offline_store: {KIND: local, path: feature_store}}}\n"


def main(options):
    """The goals are 5 s and 50 MB: first of versions of which nothing was measured, then of measured ones."""
    for measured in (False, True):
        _measure(options, measured)


def _measure(options, measured):
    features = int(5000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mlforge.yaml").write_text(PROFILES)
        store_of(mlf.LocalStore(f"{folder}/feature_store"), features, versions=2, measured=measured)
        command = [sys.executable, "-m", "mlforge", "catalog", "--store-only", "--out", "site"]
        runs = [measure(command, cwd=folder) for _ in range(options.runs)]
        size = sum(p.stat().st_size for p in Path(folder, "site").rglob("*") if p.is_file()) / 1e6
    best = min(runs, key=lambda run: run.seconds)
    which = "with profiles" if measured else "without profiles"
    print(
        f"\n{features:,} features with two versions each, {which}: `mlforge catalog --store-only`, {options.runs} times"
    )
    print(f"  the fastest {best.seconds:.1f} s, {best.cpu:.1f} s CPU (goal ≤ 5 s: {met(best.seconds <= 5)})")
    print(f"  {size:.1f} MB (goal ≤ 50: {met(size <= 50)}), at most {best.mebibytes:,.0f} MiB of memory")


def met(reached):
    """A goal in words."""
    return "met" if reached else "MISSED"
