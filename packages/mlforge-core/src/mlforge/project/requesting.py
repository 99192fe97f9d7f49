"""`request_feature`: features that are computed of a request, refused here where they cannot be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlforge.errors import Invalid, nearest
from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.constants import native
from mlforge.model.expr import Agg, Expr
from mlforge.model.feature import Feature, FeatureSpec, spec_of
from mlforge.model.field import Field
from mlforge.model.request import INPUT_TYPES, RequestFeature, both_have, cannot_compute, input_of
from mlforge.model.spelling import spelled
from mlforge.model.text import refuse_halves
from mlforge.plugin.engine.columns import need_columns, no_column, refuse_names, refuse_unnamable
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.project.decorator import checked_name, strings
from mlforge.project.derived import expressions
from mlforge.project.fields import fields_of, need_named

_COLUMNS = 'columns={"ratio": col("amount") / col("mean_30d")}'
_INPUTS = 'inputs={"amount": "Float64"}'
Use = str | tuple[str, str] | Feature | FeatureSpec


@spelled
def request_feature(
    name: str,
    *,
    columns: Mapping[str, Expr],
    inputs: Mapping[str, str] | None = None,
    uses: Use | Sequence[Use] = (),
    fields: Field | Sequence[Field] = (),
    tags: str | Sequence[str] = (),
    description: str | None = None,
    owner: str | None = None,
) -> RequestFeature:
    """Define a feature without a source: computed of a request's inputs and of stored features when somebody asks.

    In training the inputs are columns of the spine, in serving they come with the entity. Nothing is built.

    Args:
        name: Its name, which stands where those of features do.
        columns: Its columns: expressions over the inputs, the columns of the features it uses, and `at()`.
        inputs: The columns that come with each row or request, with their types: `Int64`, `Float64`, `String`,
            `Boolean`, `Date` or `Datetime`.
        uses: The stored features whose columns it reads: names, `"f@1.0.0"`, or `FeatureSpec("f", columns=[…])`.
        fields: What its columns mean: `Field("ratio", description="…")`.
        tags: Words about it.
        description: What it means.
        owner: Who to ask.

    Raises:
        Invalid: Something in the definition cannot be right; the message names it.

    Example:
        >>> import mlforge as mlf
        >>> mlf.request_feature(
        ...     "basket", inputs={"amount": "Float64"}, columns={"is_large": mlf.col("amount") > 100}
        ... ).inputs
        {'amount': 'Float64'}
    """
    checked_name(name)
    refuse_halves(description, "description")
    refuse_halves(owner, "owner")
    where = f"Request feature {name!r}"
    made = RequestFeature(
        name, expressions(columns, where, _COLUMNS), _inputs(inputs or {}, where), _uses(uses, where),
        fields_of(fields, where), strings(tags, "tags"), description, owner,
    )  # fmt: skip
    _refuse(made, where)
    return made


def _inputs(given: Any, where: str) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise Invalid(f"{where} has the inputs {given!r}, which have no types.", hint=_INPUTS)
    for name, dtype in given.items():
        if not isinstance(name, str) or not name:
            raise Invalid(f"{where} has an input {name!r}, which is no name.", hint=_INPUTS)
        if dtype not in INPUT_TYPES:
            raise Invalid(
                f"{where} takes {name!r} as {dtype!r}, which no input can be.",
                hint=f"{nearest(str(dtype), INPUT_TYPES)} Inputs are {', '.join(INPUT_TYPES)}.",
            )
    refuse_unnamable(given, where, "Name the input otherwise.")
    return {native(name): native(dtype) for name, dtype in given.items()}


def _uses(given: Any, where: str) -> tuple[FeatureSpec, ...]:
    one = isinstance(given, str | Feature | FeatureSpec)
    found = tuple(spec_of(use) for use in ((given,) if one else () if given is None else given))
    names = [spec.name for spec in found]
    if twice := [n for n in names if names.count(n) > 1]:
        raise Invalid(f"{where} uses {twice[0]!r} twice.", hint="One version of it is served at a time: name it once.")
    return found


def refuse_feature_names(made: RequestFeature, features: Sequence[str]) -> None:
    """Raise `Invalid` for an input that has the name of a feature."""
    if clash := [name for name in made.inputs if name in features]:
        raise Invalid(
            f"Request feature {made.name!r} has an input {clash[0]!r}, which is a feature's name.",
            hint="Name the input otherwise.",
        )


def refuse_unread(made: RequestFeature, features: Mapping[str, Feature]) -> None:
    """Raise `Invalid` for what a request feature cannot read of the features that it uses, as far as that is told.

    The columns of a feature with windows are known where it is defined; those of others once they are built, and those
    of a version that is named, by its metadata.
    """
    owners: dict[str, str] = {}
    told = True
    for use in made.uses:
        columns = _columns_of(use, features.get(use.name), made)
        told = told and columns is not None
        _refuse_owned(made, use.name, columns or (), owners)
    reads = dict.fromkeys(c for expr in made.columns.values() for c in expr.column_names)
    for column in reads:
        if told and column not in owners and column not in made.inputs:
            raise no_column(column, [*made.inputs, *owners], f"What {made.name!r} is computed of")
    _refuse_kinds(made, {c: w for use in made.uses for c, w in _words_of(use, features.get(use.name)).items()})


def _columns_of(use: FeatureSpec, feature: Feature | None, made: RequestFeature) -> Sequence[str] | None:
    """The columns that are read of a feature; None where its definition does not tell."""
    if use.version is not None or feature is None or feature.plan is None:
        return use.columns
    there = [*(c.name for c in feature.plan.columns), *feature.derived]
    need_columns(use.columns or (), there, f"{use.name!r}, used by {made.name!r},")
    return use.columns or there


def _refuse_owned(made: RequestFeature, use: str, columns: Sequence[str], owners: dict[str, str]) -> None:
    for column in columns:
        if column in made.inputs:
            raise input_of(made.name, column, use)
        if column in owners:
            raise both_have(made.name, owners[column], use, column)
        owners[column] = use


def _words_of(use: FeatureSpec, feature: Feature | None) -> dict[str, str]:
    """The types of columns that are the same whatever is aggregated."""
    if use.version is not None or feature is None or feature.plan is None:
        return {}
    given = {c.name: AGGREGATIONS[c.expr.function].gives for c in feature.plan.columns if isinstance(c.expr, Agg)}
    return {name: word for name, word in given.items() if word in INPUT_TYPES}


def _refuse_kinds(made: RequestFeature, words: Mapping[str, str]) -> None:
    """Raise `Invalid` for a column of values that do not go together, of those that are known."""
    known = {**words, **made.inputs}
    told = {name: expr for name, expr in made.columns.items() if set(expr.column_names) <= known.keys()}
    try:
        Derivation(told, known)
    except Invalid as error:
        raise cannot_compute(made.name, error) from None


def _refuse(made: RequestFeature, where: str) -> None:
    if not made.columns:
        raise Invalid(f"{where} has no columns.", hint=_COLUMNS)
    need_named(made.fields, list(made.columns), f"{where}, which has a Field for it,")
    refuse_feature_names(made, [made.name, *(spec.name for spec in made.uses)])
    refuse_names([*made.inputs, *dict.fromkeys(n for n in made.columns if n not in made.inputs)], where)
    if clash := [n for n in made.columns if n in made.inputs]:
        raise Invalid(f"{where} has an input and a column {clash[0]!r}.", hint="Name one of them otherwise.")
    reads = dict.fromkeys(c for expr in made.columns.values() for c in expr.column_names)
    if own := [c for c in reads if c in made.columns]:
        raise Invalid(f"{where} reads {own[0]!r}, a column of its own.", hint="Write its expression out.")
    if not made.uses:
        need_columns(reads, made.inputs, f"{where}, which uses no feature,")
        try:
            Derivation(made.columns, made.inputs)
        except Invalid as error:
            raise Invalid(f"{where} cannot compute {error.message}", hint=error.hint) from None
