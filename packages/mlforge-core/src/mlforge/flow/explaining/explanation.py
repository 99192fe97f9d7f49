"""What is said of one value of one entity at one instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from mlforge.flow.failure import Failure
from mlforge.model.html import table
from mlforge.model.visible import visible

RowStatus = Literal["row", "expired", "early", "unknown"]
Compared = Literal["same", "changed", "unknown"]
SHOWN = 5


class Sample(msgspec.Struct, frozen=True):
    """How many rows there are, and the first and the last five of them; no row is in both."""

    count: int
    first: tuple[dict[str, Any], ...]
    last: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]]) -> Sample:
        return cls(len(rows), tuple(rows[:SHOWN]), tuple(rows[SHOWN:][-SHOWN:]))


class WindowEvents(msgspec.Struct, frozen=True):
    """A window as the instant sees it, and the events in it.

    Args:
        window: The window, such as `7d`, and whose it is where it holds some of the events only.
        start: Where it begins; None for all events by its end.
        end: Where it ends.
        closed: Which end belongs to it: the `left` one with an interval, the `right` one without.
        events: The time and the aggregated columns of the events in it; None where they could not be read.
    """

    window: str
    start: datetime | None
    end: datetime
    closed: Literal["left", "right"]
    events: Sample | None = None

    def __str__(self) -> str:
        """`[2025-03-04 00:00:00, 2025-03-11 00:00:00)`."""
        opening, closing = "[)" if self.closed == "left" else "(]"
        if self.start is None:
            return f"(the beginning, {shown_time(self.end)}{closing}"
        return f"{opening}{shown_time(self.start)}, {shown_time(self.end)}{closing}"


class ExplainedValue(msgspec.Struct, frozen=True):
    """One column.

    Args:
        column: Its name.
        answer: What retrieval answers: the stored value, or null where that is too old.
        stored: The value in the row that was used; null where there is none.
        recomputed: What the function over the source gives now.
        agrees: Whether stored and recomputed are equal, floats within 1e-9 relative; None where it was not recomputed.
        window: The window it is computed over.
        aggregation: How.
    """

    column: str
    answer: Any = None
    stored: Any = None
    recomputed: Any = None
    agrees: bool | None = None
    window: str | None = None
    aggregation: str | None = None

    @property
    def verdict(self) -> str:
        """`equal`, `differs` or `not recomputed`."""
        return {True: "equal", False: "differs", None: "not recomputed"}[self.agrees]


class Since(msgspec.Struct, frozen=True):
    """What has changed since the version was built: source, function and, in words, the definition."""

    source: Compared = "unknown"
    function: Compared = "unknown"
    definition: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """Those of source and function that are known to be others now."""
        given = (("source", self.source), ("function", self.function))
        return tuple(name for name, same in given if same == "changed")


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a feature has the values it has for an entity at an instant, and whether recomputing gives the same.

    Args:
        feature: The feature.
        version: The version that was looked into.
        key: The entity.
        at: The instant.
        status: `row`: there is one; `expired`: it is older than `max_age`; `early`: the entity's first row is later;
            `unknown`: the entity has none.
        stamp: The stamp of the row that was used.
        until: The stamp of the entity's next row.
        first: The stamp of its first one.
        max_age: How old a value may be.
        entered: How many events became known at the stamp.
        left: How many left at the stamp, by window.
        values: The columns, each stored and recomputed.
        windows: The windows as of the instant, with the events in them.
        rows: What the function returns for the row that was used, in a feature without windows.
        recomputed_stamp: The stamp of the row that recomputing gives.
        since: What has changed since the version was built.
        built: Which events the version was built from, where that was a range: it may lack others.
        failure: Why it could not be recomputed.
        engine: The engine that recomputed it.

    Example:
        >>> found = defs.explain("user_spend", {"user_id": "u01"}, at="2026-02-01", columns="spend_7d")
        >>> found.status, found.values[0].stored, found.values[0].recomputed
        ('row', 88.22, 88.22)
    """

    feature: str
    version: str
    key: dict[str, Any]
    at: datetime
    status: RowStatus
    stamp: datetime | None = None
    until: datetime | None = None
    first: datetime | None = None
    max_age: str | None = None
    entered: int = 0
    left: dict[str, int] = {}
    values: tuple[ExplainedValue, ...] = ()
    windows: tuple[WindowEvents, ...] = ()
    rows: Sample | None = None
    recomputed_stamp: datetime | None = None
    since: Since = Since()
    built: str | None = None
    failure: Failure | None = None
    engine: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether every value is what recomputing gives; None where one was not recomputed and none differs."""
        verdicts = {v.agrees for v in self.values}
        if False in verdicts:
            return False
        return None if None in verdicts or self.failure else True

    @property
    def why(self) -> str:
        """Which row was used, and why it stands where it stands, in a sentence."""
        match self.status:
            case "unknown":
                return "There is no row of this entity."
            case "early":
                return f"No row yet: the entity's first is stamped {_time(self.first)}."
            case "expired":
                return f"The row stamped {_time(self.stamp)} is older than max_age, {self.max_age}: the answer is null."
            case "row":
                pass
        if self.stamp is None:
            return "The feature has no time: the row holds at every instant."
        return f"The row stamped {_time(self.stamp)}{self._reasons()}."

    @property
    def verdict(self) -> str:
        """Whether recomputing gives the same, in a sentence."""
        if self.failure:
            return f"It could not be recomputed: {self.failure.message}"
        equal, count = sum(v.agrees is True for v in self.values), len(self.values)
        differ = sum(v.agrees is False for v in self.values)
        if differ:
            return f"{differ} of {count} values differ from what recomputing gives. {self._blame()}"
        if equal < count:
            return f"{equal} of {count} values are what recomputing gives; the others are defined differently now."
        return "Recomputing gives the same."

    def _blame(self) -> str:
        if changed := self.since.changed:
            has = "have" if len(changed) > 1 else "has"
            return f"The {' and the '.join(changed)} {has} changed since the version was built."
        if self.built:
            return f"The version was built by ranges, last of {self.built}: it may lack events outside of them."
        if "unknown" in (self.since.source, self.since.function):
            return "Whether source and function are what they were cannot be told."
        return (
            "Source and function are what they were: the stored rows were altered, or the function does not give the "
            "same rows twice."
        )

    def _reasons(self) -> str:
        came = [f"{counted(self.entered, 'event')} became known"] if self.entered else []
        went = [f"{counted(n, 'event')} left the {window} window" for window, n in self.left.items()]
        return f": {', '.join(came + went)}" if came or went else ""

    @property
    def _title(self) -> str:
        keys = ", ".join(f"{k}={v}" for k, v in self.key.items())
        return f"{self.feature} {self.version}, {keys} at {shown_time(self.at)} UTC"

    def __repr__(self) -> str:
        """A few lines for people."""
        lines = [f"  {v.column} = {v.answer!r}{_recomputed(v)}{self._counted_events(v)}" for v in self.values]
        return "\n".join(visible(line, one_line=True) for line in (self._title, self.why, *lines, self.verdict))

    def _counted_events(self, value: ExplainedValue) -> str:
        found = next((w for w in self.windows if w.window == value.window), None)
        if found is None:
            return ""
        return f", {counted(found.events.count, 'event')} in {found}" if found.events else f", {found}"

    def _repr_html_(self) -> str:
        rows = [(v.column, v.answer, v.stored, v.recomputed, v.verdict) for v in self.values]
        head = ("column", "answer", "stored", "recomputed", "")
        parts = [table(head, rows, caption=self._title, note=f"{self.why} {self.verdict}")]
        parts += [_sample_html(w.events, f"{w.window}: {w}") for w in self.windows]
        return "".join([*parts, _sample_html(self.rows, "Rows of the function")])


def counted(number: int, noun: str) -> str:
    """`1 event`, `2 events`, `no events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def shown_time(instant: datetime) -> str:
    """`2025-03-11 00:00:00`, with its microseconds where there are some."""
    return instant.replace(tzinfo=None).isoformat(sep=" ")


def _time(instant: datetime | None) -> str:
    return "never" if instant is None else shown_time(instant)


def _recomputed(value: ExplainedValue) -> str:
    """What to add to the answer: nothing where it is confirmed."""
    was = f" (stored {value.stored!r})" if repr(value.stored) != repr(value.answer) else ""
    return f"{was}, recomputed {value.recomputed!r}" if value.agrees is False else was


def _sample_html(sample: Sample | None, caption: str) -> str:
    if sample is None:
        return ""
    rows: Iterable[Sequence[object]] = [tuple(row.values()) for row in (*sample.first, *sample.last)]
    hidden = sample.count - len(sample.first) - len(sample.last)
    note = f"{counted(hidden, 'more row')} between the first and the last {SHOWN}." if hidden else None
    return table(
        tuple(sample.first[0]) if sample.first else (), rows, caption=f"{caption}: {sample.count:,}", note=note
    )
