"""A verdict about a column: what is not compared and why, and what a distance between two samples says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from mlforge.flow.drifting.drift_report import ColumnDrift
from mlforge.model.drift import MATTERS, ORDERED, Method, Samples, by_chance, distance
from mlforge.model.quality import ColumnQuality, Value
from mlforge.plugin.engine.measuring import kind_of

Counting = Callable[[ColumnQuality, ColumnQuality], tuple[Samples, Sequence[object]] | str]
"""Two columns counted in the same bins, and values that only the later has; or why they cannot be."""


class Comparison(msgspec.Struct, frozen=True):
    """How to compare.

    Args:
        method: By which distance.
        threshold: What distance matters.
        columns: Which columns.
        untyped: Columns of what is compared that have no type, and how many nulls each has.
        nan_is_null: Whether NaN and null are one thing, as they are in pandas.
    """

    method: Method = "psi"
    threshold: float = MATTERS
    columns: tuple[str, ...] = ()
    untyped: Mapping[str, int] = {}
    nan_is_null: bool = False


def verdict(before: ColumnQuality, after: ColumnQuality, how: Comparison, count: Counting) -> ColumnDrift:
    """Whether a column has drifted; `count` is asked where it can be compared, and may say why it cannot."""
    kind = kind_of(before.dtype)
    told = {
        "column": before.name, "dtype": before.dtype, "before": before.rows, "after": after.rows,
        "null_rates": (before.null_rate, after.null_rate),
    }  # fmt: skip
    if before.dtype != after.dtype and kind != kind_of(after.dtype):
        return _of(told, drifted=True, reason=f"it was {before.dtype} and is {after.dtype}")
    if reason := uncomparable(before.dtype, how.method):
        return _of(told, drifted=False, reason=reason)
    if not before.rows or not after.rows:
        return _of(told, drifted=False, reason="there are no rows to compare")
    if not before.count and not after.count:
        return _of(told, drifted=False, reason="both have nothing but nulls")
    if how.method == "wasserstein" and not (before.finite and after.finite):
        if not (before.finite or after.finite):
            return _of(told, drifted=False, reason="neither has finite values")
        return _of(told, drifted=not _lacks_by_chance(before, after, how), reason="one of them has no finite values")
    counted = count(before, after)
    return _of(told, drifted=False, reason=counted) if isinstance(counted, str) else _judged(told, *counted, how)


def _lacks_by_chance(before: ColumnQuality, after: ColumnQuality, how: Comparison) -> bool:
    """Whether chance may leave one of two columns without finite values, where the other has as many."""
    samples = Samples((before.finite, before.rows - before.finite), (after.finite, after.rows - after.finite))
    return distance("psi", samples) <= by_chance("psi", samples, len(how.columns))


def uncomparable(dtype: str, method: Method) -> str:
    """Why a method does not compare values of a type; empty where it does."""
    kind = kind_of(dtype)
    if kind in ("opaque", "list"):
        return f"values of type {dtype} are not compared"
    return f"{method} needs an order: compare it with psi, js or chi2" if kind == "choice" and method in ORDERED else ""


def _of(told: Mapping[str, object], **more: object) -> ColumnDrift:
    return ColumnDrift(**told, **more)  # type: ignore[arg-type]


def _judged(
    told: Mapping[str, object], samples: Samples, new: Sequence[object], how: Comparison
) -> ColumnDrift:  # fmt: skip
    found = distance(how.method, samples)
    chance = by_chance(how.method, samples, len(how.columns))
    limit = max(how.threshold, chance)
    by = "which matters"
    if limit != how.threshold:
        by = f"which chance may do to {sum(samples.before):,} and {sum(samples.after):,} values"
    sign = "is more than" if found > limit else "is not more than"
    reason = f"{how.method} {found:.3f} {sign} {limit:.3f}, {by}"
    if new and found > limit:
        reason += f"; new values: {', '.join(map(str, new))}"
    return _of(told, drifted=found > limit, reason=reason, distance=found, limit=limit, new_values=tuple(new))


def odd(column: ColumnQuality) -> tuple[int, int, int]:
    """Nulls, NaN and infinities, as many as a sample has of them."""
    found = column.nulls, column.nans, column.infinite
    if not column.sampled:
        return found
    nulls, nans, infinite = (round(n * column.sampled / column.rows) for n in found)
    return nulls, nans, infinite


def counts_of(column: ColumnQuality) -> Counter[Value]:
    """How often each of the most frequent values stands there; long texts that begin alike are recorded as one."""
    found: Counter[Value] = Counter()
    for one in column.top:
        found[one.value] += one.count
    return found


def without_empty(before: Sequence[int], after: Sequence[int]) -> Samples:
    """Two samples in the same bins, but for those that both leave empty."""
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a or b]
    return Samples(tuple([a for a, _ in pairs]), tuple([b for _, b in pairs]))
