"""Where the columns of a feature come from: told exactly by definitions, and no further than a function lets see.

What metrics, formulas, conditions, derived columns, timestamps, keys and validators read is in the definition. What a
function does with a frame is not: a column that it returns and that its source has too is taken for the same `by name`;
of any other nothing more is told than that the `function` made it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from mlforge.model.expr import Agg, At, Call, Col, Expr
from mlforge.model.feature import Feature
from mlforge.model.keys import Key
from mlforge.model.request import RequestFeature

Place = Literal["source", "function", "feature", "input", "moment"]
"""Where a column that is read is: in the source, in what the function returned, in a feature, among the inputs of a
request; `moment` is no column, but the instant that is asked about."""

Use = Literal["value", "condition", "filter", "key", "time", "order"]
"""What it is read for: for its `value`; as the `condition` of a choice; to leave out events by, `filter`; to tell whose
a row is, `key`, and of when, `time`; to choose one of several rows by, `order`."""

Made = Literal["by name", "function", "unknown", "surrogate key", "returned", "time", "metric", "derived", "computed"]
"""How a column came about.

What a function returns: `by name`, it is taken for the source's column of that name; `surrogate key`, it was made of
the source's columns before the function had them; `function`, of what is not told; `unknown`, as nothing was built, or
the build could not see the source's columns.

Of a feature: `returned` by its function; the `time` of a row; a `surrogate key` of what the function returned; a
`metric`; `derived` of a feature's columns; `computed` of a request.
"""


class Read(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column that another is made of: where it is, its name, and what it is read for.

    `feature` names the feature whose column it is, where that is another one: `user_spend`; empty where it is not told.

    Example:
        >>> str(Read("source", "amount")), str(Read("function", "kind", "filter"))
        ('amount of the source', 'kind of the function (filter)')
    """

    place: Place
    column: str
    use: Use = "value"
    feature: str = ""

    def __str__(self) -> str:
        if self.place == "moment":
            where = "the instant asked about"
        else:
            where = f"{self.column} of the {' '.join(filter(None, (self.place, self.feature)))}"
        return where if self.use == "value" else f"{where} ({self.use})"


class ColumnLineage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column, how it came about, and what it reads.

    Example:
        >>> ColumnLineage("amount", "by name", (Read("source", "amount"),)).made
        'by name'
    """

    name: str
    made: Made
    reads: tuple[Read, ...] = ()


class Promise(msgspec.Struct, frozen=True, omit_defaults=True):
    """A validator on a column, and what it reads.

    Example:
        >>> Promise("amount", "greater_than(0)", (Read("function", "amount"),)).label
        'greater_than(0)'
    """

    column: str
    label: str
    reads: tuple[Read, ...] = ()


class ServedVersion(msgspec.Struct, frozen=True):
    """The version that an online store serves, and the instant that it was published for, in ISO 8601.

    Example:
        >>> ServedVersion("1.0.0", "2026-02-15T00:00:00Z").version
        '1.0.0'
    """

    version: str
    as_of: str


class Lineage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the columns of a feature come from, step by step.

    Args:
        source: The name of its source; empty for a feature that is computed of a request.
        path: Where that is.
        function: The name of its function.
        returned: The columns of what the function returned that something reads.
        rows: What tells a row, and the events of a window: keys, time, and which of several rows wins.
        columns: The feature's columns: those that are stored, then those that are derived or computed.
        promises: What its validators read.
        uses: The features that one computed of a request uses: `user_spend`, or `user_spend@1.0.0`.
        inputs: What a request brings along, with the types.

    Example:
        >>> found = defs.metadata("user_spend").lineage
        >>> found.source, found.function, found.rows[0]
        ('purchases', 'user_spend', Read(place='feature', column='user_id', use='key', feature=''))
        >>> [str(read) for read in found.origins("spend_7d")]
        ['amount of the source']
    """

    source: str = ""
    path: str = ""
    function: str = ""
    returned: tuple[ColumnLineage, ...] = ()
    rows: tuple[Read, ...] = ()
    columns: tuple[ColumnLineage, ...] = ()
    promises: tuple[Promise, ...] = ()
    uses: tuple[str, ...] = ()
    inputs: dict[str, str] = {}

    @property
    def untold(self) -> tuple[str, ...]:
        """The columns of which is not told what the function, or one yet to run, makes them of.

        Example:
            >>> defs.metadata("user_spend").lineage.untold
            ()
        """
        return tuple(c.name for c in self.returned if c.made in ("function", "unknown"))

    def column(self, name: str) -> ColumnLineage | None:
        """A column of the feature; None where there is none of that name.

        Example:
            >>> defs.metadata("user_spend").lineage.column("spend_7d").made
            'metric'
        """
        return next((c for c in self.columns if c.name == name), None)

    def origins(self, column: str) -> tuple[Read, ...]:
        """What a column of the feature comes from in the end: columns of the source, or where nothing more is told.

        Example:
            >>> risk = RequestFeature("risk", {"twice": Col("amount") * 2}, {"amount": "Float64"})
            >>> request_lineage(risk, {}).origins("twice")
            (Read(place='input', column='amount', use='value', feature=''),)
        """
        found = self.column(column)
        return () if found is None else tuple(dict.fromkeys(end for read in found.reads for end in self.ends(read)))

    def ends(self, read: Read) -> tuple[Read, ...]:
        """Where what is read comes from in the end; what it is read for stays what it is.

        Example:
            >>> defs.metadata("user_spend").lineage.ends(Read("function", "amount", "filter"))
            (Read(place='source', column='amount', use='filter', feature=''),)
        """
        known = self._returned(read) or self._own(read)
        if known is None or not known.reads:
            return (read,)
        ends = (end for below in known.reads for end in self.ends(below))
        return tuple(dict.fromkeys(end if read.use == "value" else _for(end, read.use) for end in ends))

    def _returned(self, read: Read) -> ColumnLineage | None:
        if read.place != "function":
            return None
        return next((c for c in self.returned if c.name == read.column), None)

    def _own(self, read: Read) -> ColumnLineage | None:
        return self.column(read.column) if read.place == "feature" and not (read.feature or self.uses) else None


def _for(read: Read, use: Use) -> Read:
    return msgspec.structs.replace(read, use=use)


def reads_of(expr: Expr, place: Place, use: Use = "value") -> Iterator[Read]:
    """What an expression reads, and for what.

    Example:
        >>> [str(read) for read in reads_of(Agg("sum", Col("amount"), where=Col("kind").eq("refund")), "function")]
        ['amount of the function', 'kind of the function (filter)']
    """
    match expr:
        case Col(name):
            yield Read(place, name, use)
        case At():
            yield Read("moment", "", use)
        case Agg():
            if expr.arg is not None:
                yield from reads_of(expr.arg, place, use)
            if expr.where is not None:
                yield from reads_of(expr.where, place, "filter")
        case Call("if", (condition, *values)):
            yield from reads_of(condition, place, "condition" if use == "value" else use)
            for value in values:
                yield from reads_of(value, place, use)
        case _:
            for child in expr.children:
                yield from reads_of(child, place, use)


class Seen(msgspec.Struct, frozen=True):
    """The columns of a source and of what the function returned, as a build saw them; None where it could not tell.

    Example:
        >>> Seen(("user_id", "amount"), ("user_id", "amount", "is_large")).returned
        ('user_id', 'amount', 'is_large')
    """

    source: tuple[str, ...] | None = None
    returned: tuple[str, ...] | None = None


def lineage_of(feature: Feature, seen: Seen | None = None) -> Lineage:
    """Where a feature's columns come from: by its definition, and by what a build saw of its source and its function.

    Example:
        >>> import mlforge as mlf
        >>> @mlf.feature(
        ...     source="payments.csv",
        ...     keys="user_id",
        ...     timestamp="paid_at",
        ...     metrics=[mlf.Sum("amount", windows="7d", where=mlf.col("kind").eq("refund"), name="refunds")],
        ... )
        ... def refunds(df):
        ...     return df
        >>> found = lineage_of(
        ...     refunds, Seen(("user_id", "paid_at", "amount"), ("user_id", "paid_at", "amount", "kind"))
        ... )
        >>> [str(read) for read in found.origins("refunds_7d")], found.untold
        (['amount of the source', 'kind of the function (filter)'], ('kind',))
    """
    seen = seen or Seen()
    columns = (*_identity(feature, seen), *_values(feature, seen), *_derived(feature))
    rows, promises = tuple(_rows(feature)), tuple(_promises(feature))
    read = (r for reads in (*(c.reads for c in columns), rows, *(p.reads for p in promises)) for r in reads)
    names = dict.fromkeys(r.column for r in read if r.place == "function")
    return Lineage(
        source=feature.source.name, path=feature.source.path,
        function=getattr(feature.function, "__name__", type(feature.function).__name__),
        returned=tuple(_returned(name, feature, seen) for name in names),
        rows=rows, columns=columns, promises=promises,
    )  # fmt: skip


def request_lineage(feature: RequestFeature, columns_of: Mapping[str, Collection[str]]) -> Lineage:
    """Where the columns of a feature come from that is computed of a request.

    Args:
        feature: The feature.
        columns_of: The columns of the features that it uses, by their names, as far as they are known.

    Example:
        >>> import mlforge as mlf
        >>> risk = mlf.request_feature(
        ...     "risk",
        ...     columns={"ratio": mlf.col("amount") / mlf.col("spend_7d")},
        ...     inputs={"amount": "Float64"},
        ...     uses="user_spend",
        ... )
        >>> [str(read) for read in request_lineage(risk, {"user_spend": ["spend_7d"]}).origins("ratio")]
        ['amount of the input', 'spend_7d of the feature user_spend']
    """
    columns = tuple(
        ColumnLineage(name, "computed", _once(_requested(r, feature, columns_of) for r in reads_of(expr, "input")))
        for name, expr in feature.columns.items()
    )
    return Lineage(columns=columns, uses=tuple(spec.text for spec in feature.uses), inputs=feature.inputs)


def _requested(read: Read, feature: RequestFeature, columns_of: Mapping[str, Collection[str]]) -> Read:
    """A column that a request brings along, or of a feature that is used: of the only one that it can be of."""
    if read.place == "moment" or read.column in feature.inputs:
        return read
    known = {spec.name: spec.columns or columns_of.get(spec.name) for spec in feature.uses}
    owners = [name for name, columns in known.items() if columns is not None and read.column in columns]
    unknown = [name for name, columns in known.items() if columns is None]
    possible = owners or unknown
    return Read("feature", read.column, read.use, possible[0] if len(possible) == 1 else "")


def _once(reads: Iterable[Read]) -> tuple[Read, ...]:
    return tuple(dict.fromkeys(reads))


def _identity(feature: Feature, seen: Seen) -> Iterator[ColumnLineage]:
    for key in feature.keys:
        if _is_late(key, seen):
            yield ColumnLineage(key.name, "surrogate key", tuple(Read("function", s) for s in key.sources))
        else:
            yield ColumnLineage(key.name, "returned", (Read("function", key.name),))
    if feature.timestamp:
        yield ColumnLineage(feature.timestamp.name, "time", (Read("function", feature.timestamp.column),))


def _is_late(key: Key, seen: Seen) -> bool:
    """Whether a key was made of what the function returned, rather than being in it."""
    return bool(key.sources) and seen.returned is not None and key.name not in seen.returned


def _values(feature: Feature, seen: Seen) -> Iterator[ColumnLineage]:
    if feature.plan is not None:
        for metric in feature.plan.columns:
            yield ColumnLineage(metric.name, "metric", _once(reads_of(metric.expr, "function")))
        return
    stamp = feature.timestamp
    others = {
        *feature.shape.identity,
        *([stamp.column] if stamp else ()),
        *(s for k in feature.keys for s in k.sources),
    }
    for name in seen.returned or ():
        if name not in others:
            yield ColumnLineage(name, "returned", (Read("function", name),))


def _derived(feature: Feature) -> Iterator[ColumnLineage]:
    for name, expr in feature.derived.items():
        yield ColumnLineage(name, "derived", _once(reads_of(expr, "feature")))


def _rows(feature: Feature) -> Iterator[Read]:
    for name in feature.shape.key_names:
        yield Read("feature", name, "key")
    if feature.timestamp:
        yield Read("function", feature.timestamp.column, "time")
    if feature.tie_break:
        yield Read("function", feature.tie_break, "order")


def _promises(feature: Feature) -> Iterator[Promise]:
    outputs = {c.name for c in feature.plan.columns} if feature.plan else set()
    stamp = feature.timestamp
    for check in feature.checks:
        if check.figures:  # they are of the rows that were built
            built = stamp.name if stamp and check.column == stamp.column else check.column
            reads: tuple[Read, ...] = (Read("feature", built),)
        else:
            place: Place = "feature" if check.column in outputs else "function"
            reads = _once(Read(place, name) for name in (check.column, *check.violation.column_names))
        yield Promise(check.column, check.label, reads)


def _returned(name: str, feature: Feature, seen: Seen) -> ColumnLineage:
    made_of = next((key.sources for key in feature.keys if key.name == name and key.sources), ())
    if seen.source is None:
        return ColumnLineage(name, "unknown")
    if name in seen.source:
        return ColumnLineage(name, "by name", (Read("source", name),))
    if made_of and {*made_of} <= {*seen.source}:
        return ColumnLineage(name, "surrogate key", tuple(Read("source", s) for s in made_of))
    return ColumnLineage(name, "function")
