"""What is compared with what: two versions, two ranges of time of one, or a user's frame with a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any, NamedTuple

import msgspec

from mlforge.errors import Invalid, NotFound, Unknown, nearest
from mlforge.flow.drifting.drift import compare
from mlforge.flow.drifting.drift_report import ColumnDrift, DriftReport
from mlforge.flow.drifting.verdicts import Comparison
from mlforge.flow.spine import PandasSpine, Spine, spine_of
from mlforge.flow.versions.find import artifact
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.model.drift import MATTERS, METHODS, Method
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.span import Span, shown
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.stores import Store


class DriftQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare with what.

    Args:
        name: The feature.
        version: The version that is looked at; the latest if None.
        against: The version it is compared with; the one before it if None.
        since: Compare what this version has from here on with what it has before, in microseconds.
        frame: Compare these values with the version.
        columns: Of which columns; of all but keys and time if None.
        method: How.
        threshold: What distance matters.
    """

    name: str
    version: str | None = None
    against: str | None = None
    since: int | None = None
    frame: Any = None
    columns: tuple[str, ...] | None = None
    method: Method = "psi"
    threshold: float = MATTERS


class Side(NamedTuple):
    """Rows, and what they are in words."""

    rows: Frame
    told: str


class Sides(NamedTuple):
    """What is compared with what, in which columns, and those of which one of them alone has any values.

    Of a user's frame, also how many nulls its columns without a type have, and whether they may be NaN.
    """

    before: Side
    after: Side
    columns: tuple[str, ...]
    apart: tuple[ColumnDrift, ...] = ()
    other: Artifact | None = None
    untyped: Mapping[str, int] = {}
    nan_is_null: bool = False


def drift(store: Store, engine: Engine, asked: DriftQuestion) -> DriftReport:
    """A verdict about each column.

    Raises:
        NotFound: A version that is not there, or none to compare with.
        Invalid: What cannot be compared: two questions at once, a feature without a time, a column that is not there.
        Unknown: A method that there is none of.
    """
    _refuse(asked)
    found = artifact(store, asked.name, asked.version)
    wanted = _columns(found.meta, asked)
    sides = _sides(store, engine, found, asked, wanted)
    how = Comparison(asked.method, asked.threshold, sides.columns, sides.untyped, sides.nan_is_null)
    with reading(store, (one for one in (found, sides.other) if one is not None)):
        verdicts = compare(engine, sides.before.rows, sides.after.rows, how)
    return DriftReport(
        feature=asked.name, reference=sides.before.told, compared=sides.after.told, method=asked.method,
        columns=(*verdicts, *sides.apart),
    )  # fmt: skip


def _refuse(asked: DriftQuestion) -> None:
    if asked.method not in METHODS:
        raise Unknown(f"There is no method {asked.method!r}.", hint=nearest(asked.method, METHODS))
    number: object = asked.threshold
    if not isinstance(number, int | float) or not 0 <= number < float("inf"):
        raise Invalid(f"The threshold is {asked.threshold!r}.", hint="Give a number from 0 on, such as 0.1.")
    given = [n for n in ("against", "since", "frame") if getattr(asked, n) is not None]
    if len(given) > 1:
        raise Invalid(f"Both {given[0]} and {given[1]} are given.", hint="Each is a comparison of its own: give one.")


def _columns(meta: FeatureMeta, asked: DriftQuestion) -> tuple[str, ...]:
    wanted = meta.value_columns if asked.columns is None else tuple(dict.fromkeys(asked.columns))
    there = [c.name for c in meta.columns]
    if missing := [name for name in wanted if name not in there]:
        raise NotFound(f"{meta.name} {meta.version} has no column {missing[0]!r}.", hint=nearest(missing[0], there))
    if not wanted and asked.columns is not None:
        raise Invalid("No column is named.", hint="Name at least one, or leave columns out.")
    if not wanted:
        raise Invalid(f"{meta.name} {meta.version} has no column beside its keys and time.", hint="Name the columns.")
    return wanted


def _sides(
    store: Store, engine: Engine, found: Artifact, asked: DriftQuestion, columns: tuple[str, ...]
) -> Sides:  # fmt: skip
    meta = found.meta
    if asked.frame is not None:
        return _given(store, engine, found, asked.frame, columns)
    if asked.since is not None:
        return _split(store, engine, found, asked.since, columns)
    other = artifact(store, meta.name, asked.against or _before(store, meta))
    there = set(other.meta.schema.names)
    common = tuple(c for c in columns if c in there)
    if (missing := [c for c in columns if c not in common]) and (asked.columns is not None or not common):
        raise Invalid(
            f"{meta.name} {other.meta.version} has no column {missing[0]!r}.",
            hint=f"Compare others: columns={list(common)!r}, or --columns {quote(','.join(common))}"
            if common
            else "Compare with a version that has it: against=, or --against",
        )
    apart = () if asked.columns is not None else (*_lacking(other.meta, meta), *_lacking(meta, other.meta))
    before, after = (_read(store, engine, one, common) for one in (other, found))
    return Sides(Side(before, other.meta.version), Side(after, meta.version), common, apart, other)


def _given(store: Store, engine: Engine, found: Artifact, frame: Any, columns: tuple[str, ...]) -> Sides:
    spine = spine_of(frame, engine, "frame")
    if missing := [name for name in columns if name not in spine.names]:
        raise Invalid(f"The frame has no column {missing[0]!r}.", hint=nearest(missing[0], spine.names))
    untyped = {name: len(spine.frame) for name in spine.untyped() if name in columns}
    typed = tuple(name for name in columns if name not in untyped)
    rows = _typed(engine, spine, typed) if typed else engine.from_rows((), found.meta.schema)
    before = Side(_read(store, engine, found, columns), found.meta.version)
    nan_is_null = isinstance(spine, PandasSpine)
    return Sides(before, Side(rows, "the frame"), columns, untyped=untyped, nan_is_null=nan_is_null)


def _typed(engine: Engine, spine: Spine, columns: tuple[str, ...]) -> Frame:
    rows = engine.from_arrow(spine.pick(columns))
    try:
        engine.schema(rows)
    except Invalid as error:
        hint = "Give it the type of the version's column in the frame, or name the columns to compare: columns=[…]."
        raise Invalid(error.message, hint=hint) from error
    return rows


def _lacking(one: FeatureMeta, other: FeatureMeta) -> Iterator[ColumnDrift]:
    """The columns that one version has not, and the other has: there is nothing to compare."""
    there, types = set(one.schema.names), {c.name: c.dtype for c in other.columns}
    for name in other.value_columns:
        if name not in there:
            reason = f"{one.version} has no such column"
            yield ColumnDrift(column=name, dtype=types[name], drifted=False, reason=reason)


def _split(store: Store, engine: Engine, found: Artifact, since: int, columns: tuple[str, ...]) -> Sides:
    meta = found.meta
    if meta.timestamp is None:
        raise Invalid(f"{meta.name!r} has no timestamp to tell ranges by.", hint="Compare it with another version.")
    rows = _read(store, engine, found, tuple(dict.fromkeys((*columns, meta.timestamp))))
    before, after = (engine.within(rows, Timestamp(meta.timestamp), s) for s in (Span(None, since), Span(since, None)))
    told = f"{meta.version} before {shown(since)}", f"{meta.version} from {shown(since)} on"
    return Sides(Side(before, told[0]), Side(after, told[1]), columns)


def _read(store: Store, engine: Engine, found: Artifact, columns: tuple[str, ...]) -> Frame:
    near = within_reach(store, engine, found, relied=False)
    with reading(store, [near]):
        return engine.scan_version(near, columns)


def _before(store: Store, meta: FeatureMeta) -> str:
    versions = store.versions(meta.name)
    place = versions.index(meta.version)
    if not place:
        raise NotFound(
            f"{meta.name} {meta.version} is the first version: there is none before it.",
            hint=f"Compare two ranges of time: mlforge drift {meta.name} --version {meta.version} --since 7d"
            if meta.timestamp
            else "Build another one, or say which: against=, or --against",
        )
    return versions[place - 1]
