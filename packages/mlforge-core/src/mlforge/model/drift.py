"""Whether two samples are of one distribution: distances between counts, and how far they may be apart by chance.

A column has drifted where the distance is greater than what matters, and greater than what samples of these sizes show
without any drift. Counts are of the same bins, in order; nulls are a bin of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from statistics import NormalDist
from typing import Literal

import msgspec

Method = Literal["psi", "ks", "js", "wasserstein", "chi2"]
METHODS: dict[Method, str] = {
    "psi": "population stability index",
    "ks": "Kolmogorov-Smirnov distance",
    "js": "Jensen-Shannon distance",
    "wasserstein": "Wasserstein distance, in standard deviations",
    "chi2": "Cramér's V of the chi-square statistic",
}
ORDERED: tuple[Method, ...] = ("ks", "wasserstein")
"""The methods that need an order of values: they compare numbers and times alone."""

MATTERS = 0.1
"""What a distance has to be greater than, whatever the method, unless the user says otherwise."""

CHANCE = 0.005
"""How often, of all comparisons of all columns together, chance alone may show a drift."""

_HALF = 0.5  # what a bin without a value counts for


class Samples(msgspec.Struct, frozen=True):
    """Two samples of a column, counted in the same bins.

    Args:
        before: Of the reference, how many values each bin has.
        after: Of what is compared with it.
        widths: Of an ordered column, how wide each bin is, in standard deviations of the reference.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    widths: tuple[float, ...] = ()

    @property
    def noise(self) -> float:
        """`1/n + 1/m`: what every chance deviation is measured in."""
        return 1 / sum(self.before) + 1 / sum(self.after)


def distance(method: Method, samples: Samples) -> float:
    """How far two samples are apart.

    Example:
        >>> same, other = Samples((50, 50), (51, 49)), Samples((50, 50), (90, 10))
        >>> round(distance("psi", same), 4), round(distance("psi", other), 2), distance("ks", other)
        (0.0004, 0.85, 0.4)
    """
    if method == "psi":
        smooth = zip(_smoothed(samples.before), _smoothed(samples.after), strict=True)
        return math.fsum([(b - a) * math.log(b / a) for a, b in smooth])
    p, q = _shares(samples.before), _shares(samples.after)
    match method:
        case "js":
            return math.sqrt(max(0.0, math.fsum(_divergence(a, b) for a, b in zip(p, q, strict=True))))
        case "chi2":
            return math.sqrt(_chi_square(samples) / (sum(samples.before) + sum(samples.after)))
        case "ks":
            return max(abs(b - a) for a, b in _cumulated(p, q))
        case "wasserstein":
            return math.fsum(w * abs(b - a) for w, (a, b) in zip(samples.widths, _cumulated(p, q), strict=True))


def by_chance(method: Method, samples: Samples, columns: int = 1) -> float:
    """How far two samples of one distribution may be apart by chance, where so many columns are compared.

    Example:
        >>> small, large = Samples((25, 25), (25, 25)), Samples((2500, 2500), (2500, 2500))
        >>> round(by_chance("psi", small), 3), round(by_chance("psi", large), 4)
        (0.315, 0.0032)
    """
    part = CHANCE / columns
    filled = sum([bool(a or b) for a, b in zip(samples.before, samples.after, strict=True)])
    most = chi_square_quantile(1 - part, max(1, filled - 1))
    match method:
        case "psi":
            return samples.noise * most
        case "js":
            wider = chi_square_quantile(1 - part, filled)  # of small samples it is wider than chi-square says
            return math.sqrt(samples.noise * wider / (8 * math.log(2)))
        case "chi2":
            return math.sqrt(most / (sum(samples.before) + sum(samples.after)))
        case "ks":
            return math.sqrt(-math.log(part / 2) / 2 * samples.noise)
        case "wasserstein":
            pooled = _shares([a + b for a, b in zip(samples.before, samples.after, strict=True)])
            spread = (math.sqrt(max(0.0, f * (1 - f))) for f in accumulate(pooled))
            wide = math.fsum(w * s for w, s in zip(samples.widths, spread, strict=True))
            return NormalDist().inv_cdf(1 - part / 2) * math.sqrt(samples.noise) * wide


@lru_cache(1024)
def chi_square_quantile(part: float, degrees: int) -> float:
    """Below what a part of all chi-square values with so many degrees of freedom lies.

    Example:
        >>> round(chi_square_quantile(0.995, 9), 4), round(chi_square_quantile(0.95, 1), 4)
        (23.5894, 3.8415)
    """
    low, high = 0.0, 1.0
    while _below(high, degrees) < part:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(middle, degrees) < part else (low, middle)
        if high - low <= 1e-12 * high:
            break
    return high


def _below(value: float, degrees: int) -> float:
    """The regularised lower incomplete gamma function: by its series, or beyond it by its continued fraction."""
    a, x = degrees / 2, value / 2
    if x <= 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-16:
            n += 1
            term *= x / n
            total += term
        return total * front
    b = x + 1 - a
    c, d = math.inf, 1 / b
    fraction = d
    for i in range(1, 1000):
        an, b = -i * (i - a), b + 2
        d, c = 1 / (an * d + b), b + an / c
        fraction *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return 1 - front * fraction


def bins_for(values: int) -> int:
    """How many bins a reference of so many values is divided into: five values in each, ten bins at most.

    Example:
        >>> bins_for(12), bins_for(5000)
        (2, 10)
    """
    return max(2, min(10, values // 5))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [n / total for n in counts]


def _smoothed(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + _HALF * len(counts)
    return [(n + _HALF) / total for n in counts]


def _divergence(a: float, b: float) -> float:
    middle = (a + b) / 2
    return math.fsum(x / 2 * math.log2(x / middle) for x in (a, b) if x)


def _chi_square(samples: Samples) -> float:
    n, m = sum(samples.before), sum(samples.after)
    pairs = ((a, b) for a, b in zip(samples.before, samples.after, strict=True) if a + b)
    return math.fsum((a * math.sqrt(m / n) - b * math.sqrt(n / m)) ** 2 / (a + b) for a, b in pairs)


def _cumulated(p: Sequence[float], q: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(accumulate(p), accumulate(q), strict=True))


def widths_of(edges: Sequence[float], std: float) -> tuple[float, ...]:
    """How wide the bins between some edges are, in standard deviations; the open ones at the ends have no width.

    Example:
        >>> widths_of([0.0, 2.0, 6.0], 2.0)
        (0.0, 1.0, 2.0, 0.0)
    """
    return (0.0, *((b - a) / std for a, b in pairwise(edges)), 0.0) if std else (0.0,) * (len(edges) + 1)
