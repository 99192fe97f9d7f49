"""What is known of the rows of a version, as it was measured when they were built."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mlforge.errors import NotFound
from mlforge.flow.versions.find import artifact
from mlforge.model.html import table
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality
from mlforge.model.span import micros_of, shown
from mlforge.model.text import number_of
from mlforge.plugin.stores import Store

HEADS = ("column", "type", "null", "distinct", "min", "max", "mean", "std")
"""Of what the cells of a column are; behind them is how its values are spread."""


class FeatureQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a version.

    Args:
        feature: Its name.
        version: Which version.
        created_at: When it was built, ISO 8601 in UTC.
        rows: How many rows it has.
        dropped: How many were left out because a key was null.
        entities: How many entities they are of.
        entities_error: Zero: `entities` is exact. Otherwise the relative standard error of the estimate.
        latest_event: The latest time of an event, in microseconds since the Unix epoch; None where it has no time.
        age: How many seconds ago that was; None where it has no time.
        columns: Its columns, in order.
        changed: Zero: all figures are of these rows. Otherwise `entities`, `distinct` and quantiles are of the rows
            before so many came, went or changed.

    Example:
        >>> found = defs.quality("user_spend")
        >>> found.rows, found.entities, found.column("user_id").nulls
        (726, 25, 0)
    """

    feature: str
    version: str
    created_at: str
    rows: int
    dropped: int
    entities: int | None
    entities_error: float
    latest_event: int | None
    age: float | None
    columns: tuple[ColumnQuality, ...]
    changed: int = 0

    def column(self, name: str) -> ColumnQuality | None:
        """What was measured of one column; None where there is none of that name."""
        return next((c for c in self.columns if c.name == name), None)

    def __str__(self) -> str:
        return f"{self.feature} {self.version}: {', '.join(self.facts)}"

    @property
    def facts(self) -> tuple[str, ...]:
        """What there is to say of all rows, in words."""
        told = [f"{self.rows:,} rows"]
        if self.entities is not None:
            told.append(f"{'about ' if self.entities_error else ''}{self.entities:,} entities")
        if self.dropped:
            told.append(f"{self.dropped:,} dropped: null key")
        if self.latest_event is not None:
            told.append(f"events up to {shown(self.latest_event)}")
        if self.changed:
            told.append(f"{number_of(self.changed, 'row')} changed since entities and different values were counted")
        return tuple(told)

    def _repr_html_(self) -> str:
        rows = [cells(c) for c in self.columns]
        return table((*HEADS, ""), rows, caption=f"{self.feature} {self.version}", note=", ".join(self.facts))


def cells(column: ColumnQuality) -> tuple[str, ...]:
    """A column's figures as people read them."""
    about = "~" if column.distinct_error else ""
    return (
        column.name,
        column.dtype,
        f"{column.null_rate:.1%}" if column.nulls else "0",
        "–" if column.distinct is None else f"{about}{column.distinct:,}",
        *("–" if v is None else _short(v) for v in (column.min, column.max, column.mean, column.std)),
        column.histogram.sparkline if column.histogram else _most_frequent(column),
    )


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value).removesuffix("+00:00").replace("T00:00:00", "")
    return text if len(text) <= 20 else f"{text[:19]}…"


def _most_frequent(column: ColumnQuality) -> str:
    return ", ".join(f"{_short(t.value)} {t.count:,}" for t in column.top[:3])


def quality(store: Store, name: str, version: str | None, now: datetime) -> FeatureQuality:
    """What was measured of a version, the latest if none is named.

    Raises:
        NotFound: It was not built, or nothing was measured when it was.
    """
    return quality_of(artifact(store, name, version).meta, now)


def quality_of(meta: FeatureMeta, now: datetime) -> FeatureQuality:
    """The same of its metadata."""
    found = meta.quality
    if found is None:
        raise NotFound(
            f"{meta.name} {meta.version} was built without being measured.",
            hint=f"Build it with its figures: mlforge build --features {meta.name} --force",
        )
    return FeatureQuality(
        feature=meta.name, version=meta.version, created_at=meta.created_at, rows=found.rows,
        dropped=meta.dropped_rows, entities=found.entities, entities_error=found.entities_error,
        latest_event=meta.watermark, columns=found.columns, changed=found.changed,
        age=None if meta.watermark is None else (micros_of(now) - meta.watermark) / 1_000_000,
    )  # fmt: skip
