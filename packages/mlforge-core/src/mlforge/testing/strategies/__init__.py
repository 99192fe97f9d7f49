"""Hypothesis strategies for what engines and stores meet: ties, nulls, edges, odd text, huge and broken numbers."""

from mlforge.testing.strategies.cases import Case, cases
from mlforge.testing.strategies.checks import validators
from mlforge.testing.strategies.entries import entries
from mlforge.testing.strategies.keys import KeySpace, key_spaces, key_values
from mlforge.testing.strategies.plans import plans
from mlforge.testing.strategies.predicates import predicates
from mlforge.testing.strategies.tables import tables
from mlforge.testing.strategies.times import label_columns, time_columns
from mlforge.testing.strategies.values import FLOATS, dtypes, values

__all__ = [
    "FLOATS",
    "Case",
    "KeySpace",
    "cases",
    "dtypes",
    "entries",
    "key_spaces",
    "key_values",
    "label_columns",
    "plans",
    "predicates",
    "tables",
    "time_columns",
    "validators",
    "values",
]
