"""A plan of many inputs, or of many windows, in groups of a few, each a query of its own.

What DuckDB needs to plan a query grows faster than the query. All groups have the same change points in the same order,
so what they found stands side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import Plan, Stay, Value, columns, stay
from mlforge_duckdb.tiles import changing, partials_of

_MOST = 16  # inputs that are summed, or that least and greatest values are taken of, in one query
_MOST_WINDOWS = 16  # in one query


def groups_of(plan: Plan) -> list[Plan]:
    """The plan in parts; itself where it is small."""
    starts = range(0, len(plan.windows), _MOST_WINDOWS)
    groups = [group for i in starts for group in _of_windows(plan, plan.windows[i : i + _MOST_WINDOWS])]
    return groups if len(groups) > 1 else [plan]


def _of_windows(plan: Plan, windows: Sequence[Stay]) -> Iterator[Plan]:
    """The groups of some windows."""
    by_input: dict[str | None, list[Aggregate]] = {}
    for agg in plan.aggs:
        if stay(agg) in windows:
            by_input.setdefault(agg.column, []).append(agg)
    group: list[Aggregate] = by_input.pop(None, [])
    room = _MOST
    for name, aggs in by_input.items():
        cost = _cost(plan.values[name or ""])
        if group and cost > room:
            yield plan.of(group)
            group, room = [], _MOST
        group = [*group, *aggs]
        room -= cost
    yield plan.of(group)


def _cost(value: Value) -> int:
    squares = len(value.pairs) if value.squared else 0
    return 1 + squares // 3


def tile_columns(plan: Plan) -> str:
    """What a group needs of the tiles."""
    bounds = dict.fromkeys(b.tile for b in plan.bounds)
    changes = [changing(shift, plan) for shift in plan.passing]
    return columns(["e", *plan.key_names, "t"], list(partials_of(plan)), list(bounds), changes)


def beside_each_other(tables: Sequence[str], groups: Sequence[Plan], ranged: str | None = None) -> str:
    """What the groups found of some entities, each in a table of the same rows, with the keys and the time.

    What is taken of runs of values stands in another table of such rows.
    """
    found = [*tables, *([ranged] if ranged else [])]
    return f"SELECT {', '.join(_found(tables, groups, ranged))} FROM {' POSITIONAL JOIN '.join(found)}"


def _found(tables: Sequence[str], groups: Sequence[Plan], ranged: str | None) -> Iterator[str]:
    yield from (f"{tables[0]}.{name}" for name in [*groups[0].key_names, "t"])
    for table, group in zip(tables, groups, strict=True):
        yield from (f"{ranged if a in group.ranged else table}.{a.name}" for a in group.aggs)
