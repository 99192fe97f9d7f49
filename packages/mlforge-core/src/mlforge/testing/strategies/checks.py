"""The nine validators of the core, over every type that has them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

import mlforge.validators as v
from mlforge.model.check import Validator
from mlforge.testing.strategies.predicates import PATTERNS
from mlforge.testing.strategies.values import POOLS

COMPARING = (v.greater_than, v.less_than, v.greater_than_or_equal, v.less_than_or_equal)
ORDERED = ("Int64", "Int8", "Float64", "Float32", "String", "Date", "Datetime")


def ranges(bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[Validator]:
    """`in_range` with the ends the right way round."""
    return st.tuples(bounds, bounds).map(sorted).map(lambda ends: v.in_range(*ends))


def validators(dtype: str) -> st.SearchStrategy[Validator]:
    """The validators that a column of a type can have."""
    found = [st.just(v.not_null()), st.just(v.unique())]
    if dtype in ORDERED:
        bounds = st.sampled_from([b for b in POOLS[dtype] if not (isinstance(b, float) and math.isnan(b))])
        found += [bounds.map(validator) for validator in COMPARING]
        found += [ranges(bounds), st.lists(bounds, min_size=1, max_size=3).map(v.is_in)]
    if dtype == "String":
        found.append(st.sampled_from(PATTERNS).map(v.matches_regex))
    return st.one_of(found)
