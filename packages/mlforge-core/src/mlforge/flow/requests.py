"""What a request feature is computed of: which columns of which versions, and expressions over them and the inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from mlforge.errors import Invalid
from mlforge.flow.specs import beside, filled
from mlforge.model.expr import At, Expr
from mlforge.model.feature import FeatureSpec
from mlforge.model.field import told
from mlforge.model.meta import FeatureMeta
from mlforge.model.request import Requested, RequestFeature, both_have, cannot_compute, input_of
from mlforge.model.schema import Column
from mlforge.plugin.engine.columns import no_column
from mlforge.plugin.engine.evaluation import Derivation


class Use(NamedTuple):
    """A version that is read for a request feature: what of it, each stored column with a name beside the answer."""

    meta: FeatureMeta
    stored: dict[str, str]

    @property
    def spec(self) -> FeatureSpec:
        """The stored columns of the version."""
        return FeatureSpec(self.meta.name, self.meta.version, tuple(self.stored))

    @property
    def words(self) -> dict[str, str]:
        """The names beside the answer, and the types."""
        return {name: self.meta.schema.dtype(c) for c, name in self.stored.items()}


class Composition(NamedTuple):
    """A request feature over versions.

    Args:
        feature: The request feature.
        chosen: Which of its columns are asked for; all if None.
        uses: What is read.
        columns: Its columns by their names in the answer, over names beside the answer, the inputs and `at()`.
        schema: The columns with their types.
    """

    feature: RequestFeature
    chosen: tuple[str, ...] | None
    uses: tuple[Use, ...]
    columns: dict[str, Expr]
    schema: tuple[Column, ...]

    @property
    def words(self) -> dict[str, str]:
        """The names that its columns are computed of, and the types."""
        return {**self.feature.inputs, **{name: word for use in self.uses for name, word in use.words.items()}}

    @property
    def reads_at(self) -> bool:
        """Whether a column reads the instant that is asked about."""
        return any(isinstance(node, At) for expr in self.columns.values() for node in expr.walk())


def compose(
    requested: Requested, find: Callable[[FeatureSpec], FeatureMeta], place: int, *, full_names: bool
) -> Composition:
    """A request feature over the versions that are found of what it uses.

    Args:
        requested: The feature, and which columns.
        find: Gives a version of a feature.
        place: The first of the numbers, one a feature that it uses, that no other version in the same answer has.
        full_names: Name the columns `{feature}__{column}`.

    Raises:
        NotFound: A feature that it uses is not there.
        Invalid: A column that is neither an input nor a feature's, that two bring, or values that do not go together.
    """
    feature = requested.feature
    wanted = {c: feature.columns[c] for c in requested.columns or feature.columns}
    metas = [(spec, find(spec)) for spec in feature.uses]
    owners = _owners(feature, metas)
    reads = list(dict.fromkeys(c for expr in wanted.values() for c in expr.column_names))
    for column in reads:
        if column not in owners and column not in feature.inputs:
            raise no_column(column, [*feature.inputs, *owners], f"What {feature.name!r} is computed of")
    uses, names = [], dict[str, Expr]()
    for number, (_, meta) in enumerate(metas):
        mine = [c for c in reads if owners.get(c) is meta]
        stored, exprs = beside(meta, mine, place + number)
        names |= exprs
        if stored:
            uses.append(Use(meta, stored))
    columns = {c: filled(expr, names) for c, expr in wanted.items()}
    made = Composition(feature, requested.columns, tuple(uses), columns, ())
    schema = _schema(made)
    named = {c: f"{feature.name}__{c}" if full_names else c for c in columns}
    return made._replace(
        columns={named[c]: expr for c, expr in columns.items()},
        schema=tuple(
            msgspec.structs.replace(c, name=named[c.name])
            for c in told((Column(c, word) for c, word in schema.items()), feature.fields)
        ),
    )


def _owners(feature: RequestFeature, metas: list[tuple[FeatureSpec, FeatureMeta]]) -> dict[str, FeatureMeta]:
    """Which version each column is of."""
    owners: dict[str, FeatureMeta] = {}
    for spec, meta in metas:
        for column in spec.columns or meta.answered.names:
            if column not in meta.answered:
                raise no_column(column, meta.answered.names, f"{meta.name!r} {meta.version}, used by {feature.name!r},")
            if column in feature.inputs:
                raise input_of(feature.name, column, meta.name)
            if column in owners:
                raise both_have(feature.name, owners[column].name, meta.name, column)
            owners[column] = meta
    return owners


def _schema(made: Composition) -> Mapping[str, str]:
    try:
        return Derivation(made.columns, made.words).words
    except Invalid as error:
        raise cannot_compute(made.feature.name, error) from None
