"""How often drift is seen where there is none, and how often it is found, of 10,000 pairs; beside the fixed limit."""

import bisect
import sys
from functools import partial

import msgspec
import numpy as np

from mlforge.flow.drifting.drift import edges_of, samples_of, widened
from mlforge.flow.drifting.profiles import in_profiles
from mlforge.flow.drifting.verdicts import Comparison
from mlforge.flow.drifting.verdicts import verdict as verdict_on
from mlforge.model.drift import MATTERS, by_chance, distance
from mlforge.model.quality import ColumnQuality, Histogram
from mlforge.plugin.engine.measuring import edges_between

PAIRS = 10_000
FIXED = 0.25


def main(options):
    """Pairs of normal samples: at n = 50, 500 and 5,000 without drift, at n = 2,000 with a PSI of 0.25."""
    pairs, missed = int(PAIRS * options.scale), False
    for method in ("psi", "js", "chi2", "ks", "wasserstein"):
        for n in (50, 500, 5_000):
            found = [verdict(method, *pair) for pair in drawn(pairs, n, 0.0)]
            alarms, fixed = (sum(side) / pairs for side in zip(*found, strict=True))
            missed |= alarms > 0.01
            print(
                f"  {method:12} n = {n:5,}: {alarms:.2%} false alarms (goal ≤ 1 %){beside(method, fixed)}", flush=True
            )
        found = [verdict(method, *pair) for pair in drawn(pairs, 2_000, shift_of(0.25))]
        hits, fixed = (sum(side) / pairs for side in zip(*found, strict=True))
        missed |= hits < 0.99
        print(
            f"  {method:12} n = 2,000: {hits:.2%} of drifts of PSI 0.25 found (goal ≥ 99 %){beside(method, fixed)}",
            flush=True,
        )
    for n in (50, 500, 5_000):
        alarms = sum(by_profiles(*pair) for pair in drawn(pairs, n, 0.0)) / pairs
        missed |= alarms > 0.01
        print(f"  psi of profiles n = {n:5,}: {alarms:.2%} false alarms (goal ≤ 1 %)", flush=True)
    hits = sum(by_profiles(*pair) for pair in drawn(pairs, 2_000, shift_of(0.25))) / pairs
    missed |= hits < 0.99
    print(f"  psi of profiles n = 2,000: {hits:.2%} of drifts of PSI 0.25 found (goal ≥ 99 %)", flush=True)
    if missed:
        sys.exit("a goal is missed")


def beside(method, fixed):
    """What the usual fixed limit says."""
    return f"; {fixed:.1%} above {FIXED}" if method == "psi" else ""


def drawn(pairs, n, shift):
    """So many pairs of samples, the second shifted."""
    rng = np.random.default_rng(5)
    for _ in range(pairs):
        yield np.sort(rng.normal(size=n)), rng.normal(shift, size=n)


def verdict(method, before, after):
    """Whether the second sample is said to have drifted, and whether the PSI is above the fixed limit."""
    first, second = measured(before), measured(after)
    edges = edges_of(first, method)
    if method == "wasserstein":
        edges = widened(edges, second)
    sides = [msgspec.structs.replace(one, histogram=Histogram(edges, counted(values, edges)))
             for one, values in ((first, before), (second, after))]  # fmt: skip
    samples, _ = samples_of(*sides, first, method)
    found = distance(method, samples)
    return found > max(MATTERS, by_chance(method, samples)), method == "psi" and found > FIXED


def measured(values):
    """What an engine is asked of a sample before it counts in bins."""
    quantiles = tuple(np.quantile(values, np.arange(101) / 100).tolist())
    whole = Histogram(quantiles[:1], (0, len(values)))
    return ColumnQuality(
        name="x", dtype="Float64", count=len(values), std=float(values.std(ddof=1)),
        quantiles=quantiles, histogram=whole,
    )  # fmt: skip


def by_profiles(before, after):
    """Whether the second sample is said to have drifted by what is measured of both when they are built."""
    edges = edges_between(*(float(np.quantile(before, q)) for q in (0.01, 0.99)), "Float64")
    told = [
        ColumnQuality(name="x", dtype="Float64", count=len(one), histogram=Histogram(edges, counted(one, edges)))
        for one in (before, after)
    ]
    return verdict_on(*told, Comparison(columns=("x",)), partial(in_profiles, name="f")).drifted


def counted(values, edges):
    """How many values each bin has."""
    places = np.searchsorted(edges, values, side="right")
    return tuple(np.bincount(places, minlength=len(edges) + 1).tolist())


def shift_of(psi):
    """How far a normal distribution is shifted for a PSI, in ten bins of equal share."""
    edges = np.quantile(np.random.default_rng(0).normal(size=2_000_000), np.arange(1, 10) / 10)
    big = np.random.default_rng(1).normal(size=2_000_000)

    def found(shift):
        shares = np.bincount(np.searchsorted(edges, big + shift, side="right"), minlength=10) / len(big)
        return float(np.sum((shares - 0.1) * np.log(shares / 0.1)))

    shifts = np.linspace(0.1, 1.0, 91).tolist()
    return shifts[bisect.bisect_left([found(s) for s in shifts], psi)]
