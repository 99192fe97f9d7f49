"""Request features that are served: what comes with an entity, and what is computed of it and of served values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from mlforge.errors import Invalid, close_to
from mlforge.flow.online.lookup import ALWAYS, NEVER, EntityRow, Found, Lookup, ServedStatus, fits
from mlforge.flow.requests import Composition
from mlforge.model.keys import BadKey, plain_value
from mlforge.model.request import INPUT_TYPES, cannot_compute
from mlforge.model.schema import Column
from mlforge.model.span import moment_of
from mlforge.plugin.engine.evaluation import Derivation

WORST: tuple[ServedStatus, ...] = ("present", "stale", "expired", "missing")
"""How good values are, worse and worse."""


class RequestLookup:
    """A request feature over what is served of the features that it uses.

    Args:
        composition: What it is computed of.
        uses: How the features that it uses are looked up, in the composition's order.
    """

    def __init__(self, composition: Composition, uses: Sequence[Lookup]) -> None:
        self.feature, self.uses = composition.feature, tuple(uses)
        self.name = self.label = self.feature.name
        self.schema: tuple[Column, ...] = composition.schema
        self.columns = dict(zip(_chosen(composition), composition.columns, strict=True))
        self._names = [tuple(use.stored.values()) for use in composition.uses]
        self._derivation = Derivation(composition.columns, composition.words)
        self._at_once = composition.reads_at or bool(self.feature.inputs)
        self._made = tuple(composition.columns)
        self._inputs = [(name, dtype, _MADE[dtype]) for name, dtype in self.feature.inputs.items()]

    def check(self, rows: Sequence[EntityRow], first: int) -> None:
        """Raise `BadKey` for an input that is missing or of another type; entities are numbered from `first`."""
        for number, row in enumerate(rows, first):
            for name, dtype, made in self._inputs:
                if name not in row:
                    raise self._missing(row, name, dtype, number)
                if made(plain_value(row[name])) is _UNFIT:
                    raise self._unfit(row, name, dtype, number)

    def found(self, stored: Sequence[Found], row: EntityRow, now: int) -> Found:
        """Its values of what is stored of the features it uses, and of a row that was checked.

        Where it has inputs, or reads the instant, they hold for no other row and instant.
        """
        known: dict[str, Any] = {name: made(plain_value(row[name])) for name, _, made in self._inputs}
        since, before, worst = ALWAYS, NEVER, 0
        for names, (values, status, starts, ends) in zip(self._names, stored, strict=True):
            known.update(zip(names, values, strict=True))
            since, before, worst = max(since, starts), min(before, ends), max(worst, WORST.index(status))
        try:
            made = self._derivation.of(known, moment_of(now))
        except Invalid as error:
            raise cannot_compute(self.name, error) from None
        if self._at_once:
            since, before = now, now + 1
        return [made[name] for name in self._made], WORST[worst], since, before

    def _missing(self, row: EntityRow, name: str, dtype: str, number: int) -> BadKey:
        close = close_to(name, map(str, row))
        like = f"Did you mean it by {close!r}? " if close else ""
        return BadKey(
            f"{self.name!r} takes the input {name!r}, which entity {number} does not have.",
            hint=f"{like}Give it beside the keys, as {INPUT_TYPES[dtype].__name__}, or null.",
            entity=number, column=name,
        )  # fmt: skip

    def _unfit(self, row: EntityRow, name: str, dtype: str, number: int) -> BadKey:
        return BadKey(
            f"The input {name!r} of entity {number} is {row[name]!r}, and {self.name!r} takes it as {dtype}.",
            hint=f"Give it as {INPUT_TYPES[dtype].__name__}.",
            entity=number, column=name, value=row[name], dtype=dtype, what="input",
        )  # fmt: skip


def _chosen(composition: Composition) -> tuple[str, ...]:
    return composition.chosen or tuple(composition.feature.columns)


_UNFIT: Any = object()
"""What stands for a value that is of another type."""


def _number(value: Any) -> Any:
    """A float, of a whole number too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else _UNFIT
    try:
        return float(value)
    except OverflowError:
        return _UNFIT


def _whole(value: Any) -> Any:
    if value is None:
        return None
    return value if fits(value, int) and -(2**63) <= value < 2**63 else _UNFIT


def _moment(value: Any) -> Any:
    """An instant in UTC; one without a zone is in it already."""
    if value is None or not isinstance(value, datetime):
        return None if value is None else _UNFIT
    try:
        plain = datetime.combine(value.date(), value.timetz())
        return plain.replace(tzinfo=UTC) if plain.tzinfo is None else plain.astimezone(UTC)
    except (OverflowError, ValueError, NotImplementedError):  # pandas' times go further than Python's
        return _UNFIT


def _of(kind: type) -> Callable[[Any], Any]:
    return lambda value: value if value is None or fits(value, kind) else _UNFIT


_MADE: Mapping[str, Callable[[Any], Any]] = {
    "Int64": _whole, "Float64": _number, "Datetime": _moment,
    "String": _of(str), "Boolean": _of(bool), "Date": _of(date),
}  # fmt: skip
