"""How often values stand in an array in order, where equal ones stand side by side. In SQL."""

from __future__ import annotations

from mlforge_spark.exact import let

_FEW = 32
"""So many different values are looked up, which is compiled; of more, each value is compared with its neighbour."""

_AFTER = "transform(array_distinct(xs), x -> CAST(array_position(xs, x) AS INT) - 1)"
_ENDS_OF_FEW = f"filter(concat({_AFTER}, array(size(xs))), e -> e > 0)"
_ENDS_OF_MANY = "filter(transform(xs, (x, i) -> i + 1), e -> NOT (get(xs, e) <=> get(xs, e - 1)))"
_RUN = "named_struct('less', coalesce(get(ends, i - 1), 0) - e, 'value', get(xs, e - 1))"


def most_frequent(values: str, number: int) -> str:
    """The most frequent values, of equally frequent ones the least; `less` is by how much the count is below 0."""
    ends = f"CASE WHEN size(array_distinct(xs)) <= {_FEW} THEN {_ENDS_OF_FEW} ELSE {_ENDS_OF_MANY} END"
    return let("xs", values, let("ends", ends, f"slice(sort_array(transform(ends, (e, i) -> {_RUN})), 1, {number})"))
