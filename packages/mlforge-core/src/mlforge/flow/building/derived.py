"""The types of derived columns, which are known once those of the stored ones are."""

from __future__ import annotations

from mlforge.errors import Invalid
from mlforge.model.feature import Feature
from mlforge.model.field import told
from mlforge.model.schema import Column, Schema
from mlforge.plugin.engine.evaluation import Derivation
from mlforge.project.derived import refuse_reads, refuse_taken


def derived_columns(feature: Feature, stored: Schema) -> tuple[Column, ...]:
    """The columns that are derived of the stored ones when somebody asks.

    Raises:
        Invalid: A column that is not there or that is stored already, or values that do not go together.
    """
    if not feature.derived:
        return ()
    where, identity = f"Feature {feature.name!r}", feature.shape.identity
    values = {c.name: c.dtype for c in stored if c.name not in identity}
    refuse_taken(feature.derived, stored.names, where)
    refuse_reads(feature.derived, identity, values, where)
    try:
        words = Derivation(feature.derived, values).words
    except Invalid as error:
        raise Invalid(f"{where} cannot derive {error.message}", hint=error.hint) from None
    return told((Column(name, word) for name, word in words.items()), feature.fields)
