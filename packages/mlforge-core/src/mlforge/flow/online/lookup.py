"""How one feature is looked up: from an entity's columns to an address, from an entry to values and a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Literal

from mlforge.errors import Invalid
from mlforge.flow.online.publication import Round
from mlforge.flow.online.typed import KINDS, fitting
from mlforge.flow.specs import named_columns, reading
from mlforge.model.duration import Duration
from mlforge.model.expr import At
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey, Key, hash_of, keys_of_one, plain_value
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import cannot_compute
from mlforge.model.schema import Column, is_integer
from mlforge.model.span import moment_of
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.plugin.online_stores import Entry, Point

ServedStatus = Literal["present", "missing", "expired", "stale"]
EntityRow = Mapping[str, Any]
"""What is given of an entity: its key columns, or those that surrogate keys are made of."""
Found = tuple[Sequence[Any], ServedStatus, int, int]
"""Values, how good they are, and the instants between which that holds: from the first on, before the second."""
ALWAYS, NEVER = -(2**63), 2**63
NOBODY = "null"
"""The key under which nothing stands: that of an entity whose key is null."""
_PLAIN = frozenset({int, str})


class KeyColumns:
    """A feature's key columns: which columns of a row they are read from, and their hash."""

    def __init__(self, meta: FeatureMeta) -> None:
        self.feature = meta.name
        self.keys = meta.keys
        self.dtypes = tuple(meta.schema.dtype(k.name) for k in meta.keys)
        self._types = tuple(map(_python, self.dtypes))
        self._made_of = {(key, s): dtype for key, types in meta.key_types.items() for s, dtype in types.items()}
        self._one = meta.keys[0].name if len(meta.keys) == 1 else ""

    @property
    def about(self) -> tuple[Any, ...]:
        """What is equal for features that are about the same entity."""
        return self.keys, self.dtypes, tuple(self._made_of.items())

    def hashes(self, rows: Sequence[EntityRow], first: int) -> list[str]:
        """The entities' keys, in order; they are numbered from `first`.

        Raises:
            BadKey: A column that is missing or of another type.
        """
        kind = self._types[0]
        values: list[Any] = [row.get(self._one) for row in rows]
        if self._one and kind in _PLAIN and values and {kind}.issuperset(map(type, values)):
            with suppress(ValueError):  # told below, with the entity it is of
                return keys_of_one(values)
        return [self._hash(row, number) for number, row in enumerate(rows, first)]

    def _hash(self, row: EntityRow, number: int) -> str:
        try:
            values = [self._value(row, key, kind, number) for key, kind in zip(self.keys, self._types, strict=True)]
            return NOBODY if None in values else hash_of(*values)
        except UnicodeEncodeError as error:
            raise BadKey(
                f"A key of entity {number} is no Unicode text: {error.object!r}.",
                hint="It holds half a character.",
                entity=number,
            ) from None
        except BadKey:
            raise
        except Invalid as error:
            raise BadKey(f"Entity {number}: {error.message}", error.hint or "", entity=number) from None
        except ValueError:  # Python writes no integers of more than some thousand digits
            raise BadKey(
                f"A key of entity {number} is an integer of too many digits.",
                hint="No key has so many: look where it comes from.",
                entity=number,
            ) from None

    def _value(self, row: EntityRow, key: Key, kind: type, number: int) -> Any:
        if key.name in row:
            return self._typed(row[key.name], key.name, kind, number)
        has = f"It has: {', '.join(map(str, row)) or 'nothing'}."
        if not key.sources:
            raise BadKey(
                f"{self.feature!r} is looked up by {key.name!r}, which entity {number} does not have.",
                hint=has, entity=number, column=key.name,
            )  # fmt: skip
        if missing := [s for s in key.sources if s not in row]:
            raise BadKey(
                f"{self.feature!r} is looked up by {key.name!r}, and entity {number} has neither that nor "
                f"{missing[0]!r}, which it is made of.",
                hint=has, entity=number, column=missing[0],
            )  # fmt: skip
        try:
            return hash_of(*(self._source(row[s], s, key, number) for s in key.sources))
        except BadKey:
            raise
        except Invalid as error:
            raise BadKey(
                f"{key.name!r} cannot be made for entity {number}. {error.message}", error.hint or "", entity=number
            ) from None

    def _source(self, value: Any, name: str, key: Key, number: int) -> Any:
        """A value that a surrogate key is made of, of the type that it was made of, where that is known."""
        plain = plain_value(value)
        dtype = self._made_of.get((key.name, name))
        if plain is None or dtype is None or fits(plain, _python(dtype)):
            return plain
        raise BadKey(
            f"{name!r} of entity {number} is {value!r}, and {self.feature!r} has a key {key.name!r} made of {dtype}.",
            hint=f"Give it as {_python(dtype).__name__}.", entity=number, column=name, value=value, dtype=dtype,
        )  # fmt: skip

    def _typed(self, value: Any, name: str, kind: type, number: int) -> Any:
        plain = plain_value(value)
        if plain is None or fits(plain, kind):
            return plain
        dtype = self.dtypes[[k.name for k in self.keys].index(name)]
        raise BadKey(
            f"The key {name!r} of entity {number} is {value!r}, and {self.feature!r} has keys of the type {dtype}.",
            hint=f"Give it as {kind.__name__}.", entity=number, column=name, value=value, dtype=dtype,
        )  # fmt: skip


class Lookup:
    """One feature that is served: its columns under their names in the answer, and what its entries mean.

    Args:
        spec: What is asked for.
        publish: The publish it is of.
        meta: What was published.
        prefix: What the columns' names begin with in an answer.
        place: What it is called in the online store, where that is not its name.
        exact: Whether nothing of another version is read, not even before a publish of that is whole.
    """

    def __init__(
        self, spec: FeatureSpec, publish: Round, meta: FeatureMeta, prefix: str = "", place: str | None = None,
        exact: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.place, self.publish, self.meta = spec.name, place or spec.name, publish, meta
        self.label = spec.name
        self.keys = KeyColumns(meta)
        self.columns = named_columns(spec, meta, prefix)
        self.max_age = Duration.parse(meta.max_age).micros if meta.max_age else None
        self._since, self._known, self._exact = publish.since, publish.as_of, exact
        self._derived = Derived.of(meta, self.columns)
        self._wanted = self._whole = tuple(self.columns) if self._derived is None else self._derived.stored
        self._blank = (None,) * len(self._wanted)
        self._places: dict[tuple[str, ...], list[int | None]] = {}
        self._fits = tuple(fitting(meta.schema.dtype(c)) for c in self._wanted)

    @property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the answer with their types."""
        known = self.meta.answered
        return tuple(Column(name, known.dtype(c)) for c, name in self.columns.items())

    def found(self, entry: Entry | None, now: int) -> Found:
        """An entry's values as of an instant, nulls where there are none; how good they are; how long that holds.

        Raises `Invalid` for a derived integer that does not fit 64 bits.
        """
        if self._derived is None:
            return self.stored(entry, now)
        try:
            return self._derived.found(self.stored(entry, now), now)
        except Invalid as error:
            raise cannot_compute(self.name, error) from None

    def stored(self, entry: Entry | None, now: int) -> Found:
        """What is stored of the columns, or of what they are derived of."""
        if entry is None or entry.as_of < self._since or not entry.points:
            return self._blank, "missing", ALWAYS, NEVER
        if entry.as_of > self._known and not self._is_readable(entry):
            return self._blank, "missing", ALWAYS, NEVER
        points, until = entry.points, entry.until
        point, before = (points[0], NEVER) if len(points) == 1 else _newest(points, now)
        since = ALWAYS
        if point.stamp is not None:
            since = point.stamp
            if since > now:
                return self._blank, "missing", ALWAYS, since
            if self.max_age is not None:
                end = since + self.max_age + 1
                if now >= end:
                    return self._blank, "expired", end, before
                before = min(before, end)
        values = point.values if entry.columns is self._whole else self._pick(entry.columns, point.values)
        if until is None:
            return values, "present", since, before
        end = self._known_until(entry.as_of, until) + 1
        if now < end:
            return values, "present", since, min(before, end)
        return values, "stale", max(since, end), before

    def _known_until(self, as_of: int, until: int) -> int:
        """The last instant of which an entry is known to hold: a later publish may have found it as it should be."""
        last = self.publish
        if as_of > last.as_of:
            return until
        return NEVER if last.until is None else max(until, last.until)

    def _is_readable(self, entry: Entry) -> bool:
        """Whether an entry of a publish that is not known yet has the wanted columns, of the types that are known.

        Where a version was named, it has to be of that one.
        """
        if self._exact and entry.version != self.publish.version:
            return False
        if not set(entry.columns).issuperset(self._wanted):
            return False
        rows = [self._pick(entry.columns, point.values) for point in entry.points]
        return all(fits(value) for row in rows for fits, value in zip(self._fits, row, strict=True))

    def _pick(self, columns: tuple[str, ...], values: tuple[Any, ...]) -> Sequence[Any]:
        """The wanted columns of an entry with these; one that it lacks is null."""
        if columns == self._wanted:
            self._whole = columns  # the same names are the same object in the next entry
            return values
        places = self._places.get(columns)
        if places is None:
            places = [columns.index(c) if c in columns else None for c in self._wanted]
            self._places[columns] = places
        return [None if n is None else values[n] for n in places]


class Derived:
    """Columns of which some are derived: what is read for them, and their values of that at an instant."""

    def __init__(self, meta: FeatureMeta, columns: Sequence[str]) -> None:
        wanted = reading(meta, {c: c for c in columns})
        exprs = {c: meta.expressions[c] for c in wanted.derived}
        self.stored = tuple(wanted.stored)
        self._columns = tuple(columns)
        self._derivation = Derivation(exprs, {c: meta.schema.dtype(c) for c in self.stored})
        self._reads_at = any(isinstance(node, At) for expr in exprs.values() for node in expr.walk())

    @classmethod
    def of(cls, meta: FeatureMeta, columns: Mapping[str, str]) -> Derived | None:
        """None where all columns are stored."""
        return cls(meta, tuple(columns)) if any(c in meta.config.derived for c in columns) else None

    def found(self, stored: Found, now: int) -> Found:
        """What is found of the columns. Where one reads the instant, it holds for no other."""
        values, status, since, before = stored
        row = dict(zip(self.stored, values, strict=True))
        row |= self._derivation.of(row, moment_of(now))
        answer = [row[c] for c in self._columns]
        return (answer, status, now, now + 1) if self._reads_at else (answer, status, since, before)


def _newest(points: Sequence[Point], now: int) -> tuple[Point, int]:
    """The newest point at an instant, or the first that will be; and when the next one comes."""
    point = points[0]
    for later in points:
        if later.stamp > now:  # type: ignore[operator] # points without time come alone
            return point, later.stamp  # type: ignore[return-value] # as above
        point = later
    return point, NEVER


def _python(dtype: str) -> type:
    """What values of a key's type are in Python."""
    return int if is_integer(dtype) else KINDS[dtype]


def fits(value: Any, kind: type) -> bool:
    """Whether a value is of a type, a boolean being no integer and an instant no date."""
    other = {int: bool, date: datetime}.get(kind)
    return isinstance(value, kind) and not (other is not None and isinstance(value, other))
