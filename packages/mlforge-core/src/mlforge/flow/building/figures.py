"""Promises about what was measured of a version: null rates, rows, freshness, drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from mlforge.errors import Invalid, nearest
from mlforge.flow.building.compute import ComputedRows, promises, refuse_broken
from mlforge.flow.drifting.drift import compare
from mlforge.flow.drifting.drift_report import ColumnDrift
from mlforge.flow.drifting.verdicts import Comparison, uncomparable
from mlforge.flow.versions.reach import within_reach
from mlforge.model.check import Check, CheckResult
from mlforge.model.drift import METHODS, Method
from mlforge.model.expr import Col
from mlforge.model.feature import Feature
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.quality import ColumnQuality, Quality
from mlforge.model.span import micros_of
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.plugin.engine.expressions import condition
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.stores import Store

FIGURES = {
    "rows": "Int64", "entities": "Int64", "age": "Float64", "count": "Int64", "nulls": "Int64", "nans": "Int64",
    "null_rate": "Float64", "distinct": "Int64", "mean": "Float64", "std": "Float64",
    **{f"drift_{method}": "Float64" for method in METHODS},
}  # fmt: skip
"""What such a promise may ask about. `age` is in seconds; `drift_psi` and its like are 0 where chance may do it."""


def figure_promises(feature: Feature) -> list[Check]:
    """The feature's promises about figures."""
    return [c for c in promises(feature) if c.figures]


def asks_for_drift(check: Check) -> bool:
    """Whether a promise compares with the version before."""
    return bool(_methods(check))


def _methods(check: Check) -> list[Method]:
    """By which methods a promise compares."""
    asked = {e.name for e in check.violation.walk() if isinstance(e, Col)}
    return [method for method in METHODS if f"drift_{method}" in asked]


Drift = Callable[[str, Method], float | None]
Frames = tuple[Frame | None, Frame]
"""The rows of the version before, and of the one that is built."""


def figure_check(check: Check, quality: Quality, watermark: int | None, now: datetime, drift: Drift) -> CheckResult:
    """What a promise about figures found. Raises `Invalid` where it asks for what there is not."""
    asked = sorted({e.name for e in check.violation.walk() if isinstance(e, Col)})
    column = quality.column(check.column)
    if column is None:
        built = [c.name for c in quality.columns]
        raise Invalid(f"{check.label}: no column {check.column!r} is built.", hint=nearest(check.column, built))
    if unknown := [n for n in asked if n not in FIGURES]:
        raise Invalid(f"{check.label}: there is no figure {unknown[0]!r}.", hint=f"Figures: {', '.join(FIGURES)}.")
    age = None if watermark is None else (micros_of(now) - watermark) / 1_000_000
    figures: dict[str, Any] = {n: getattr(column, n) for n in asked if hasattr(column, n)}
    figures |= {"rows": quality.rows, "entities": quality.entities, "age": age}
    for method in _methods(check):
        if reason := uncomparable(column.dtype, method):
            raise Invalid(f"{check.label} of {check.column!r}: {reason}.", hint="Promise it of another column.")
        figures[f"drift_{method}"] = drift(check.column, method)
    broken = _is_broken(check, {n: figures.get(n) for n in FIGURES})
    told = ", ".join(f"{n} is {_said(figures.get(n))}" for n in asked)
    return CheckResult(check.column, check.name, check.label, quality.rows, int(broken), (), check.severity, told)


def _is_broken(check: Check, figures: Mapping[str, Any]) -> bool:
    try:
        condition(check.violation, FIGURES)
    except Invalid as error:
        raise Invalid(
            f"{check.label}: {error.message}", hint='Compare figures with numbers: col("rows") < 100.'
        ) from error
    return Derivation({check.label: check.violation}, FIGURES).of(figures)[check.label] is True


def figure_checks(
    engine: Engine, checks: Sequence[Check], quality: Quality, rows: ComputedRows, frames: Frames, now: datetime
) -> tuple[CheckResult, ...]:
    """What promises about figures found. Raises `CheckFailed` where one is broken that is no warning."""
    drift = drift_between(engine, *frames, checks)
    results = tuple(figure_check(c, quality, rows.watermark, now, drift) for c in checks)
    refuse_broken(results, rows.checks)
    return results


def still_fresh(feature: Feature, meta: FeatureMeta, now: datetime) -> tuple[CheckResult, ...]:
    """What promises about the age of the latest event find of a version that stays: it has grown older since.

    Raises:
        CheckFailed: One is broken that is no warning.
    """
    if meta.watermark is None:
        return ()
    checks = [
        c for c in figure_promises(feature) if {e.name for e in c.violation.walk() if isinstance(e, Col)} == {"age"}
    ]
    columns = tuple(ColumnQuality(name=c.column, dtype="", count=0) for c in checks)
    known = Quality(rows=meta.row_count, columns=columns)
    results = tuple(figure_check(c, known, meta.watermark, now, lambda *_: None) for c in checks)
    refuse_broken(results)
    return results


def rows_before(
    store: Store, engine: Engine, previous: Callable[[], Artifact | None], checks: Sequence[Check]
) -> Frame | None:
    """The rows of the version that readers get so far, where a promise compares with them and there is one."""
    found = previous() if any(map(asks_for_drift, checks)) else None
    return None if found is None else engine.scan_version(within_reach(store, engine, found, relied=False))


def _said(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}"


def drift_between(engine: Engine, before: Frame | None, after: Frame, checks: Sequence[Check]) -> Drift:
    """How far a column of two frames has drifted: 0 where chance may do as much; None without a frame before.

    What chance may do is that of all comparisons by a method, as many as promises ask for.
    """
    there = () if before is None else {*engine.schema(before).names} & {*engine.schema(after).names}

    @cache
    def verdicts(method: Method) -> Mapping[str, ColumnDrift]:
        columns = tuple(dict.fromkeys(c.column for c in checks if c.column in there and method in _methods(c)))
        return {v.column: v for v in compare(engine, before, after, Comparison(method, 0.0, columns))}

    def found(column: str, method: Method) -> float | None:
        if column not in there:
            return None
        verdict = verdicts(method)[column]
        if verdict.drifted and verdict.distance is None:
            return 1.0
        return verdict.distance if verdict.drifted else 0.0

    return found
