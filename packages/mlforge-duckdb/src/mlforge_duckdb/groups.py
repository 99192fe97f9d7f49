"""A plan of many inputs in groups of a few, each a query of its own.

What DuckDB needs to plan a query grows faster than the query. All groups have the same change points in the same order,
so what they found stands side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge_duckdb.aggs import Plan, Value, columns
from mlforge_duckdb.tiles import changing, partials_of

_MOST = 16  # inputs that are summed, or that least and greatest values are taken of, in one query


def groups_of(plan: Plan) -> list[Plan]:
    """The plan in parts; itself where it is small."""
    groups: list[list[str]] = [[]]
    room = _MOST
    for name, value in plan.values.items():
        cost = _cost(value)
        if groups[-1] and cost > room:
            groups.append([])
            room = _MOST
        groups[-1].append(name)
        room -= cost
    if len(groups) == 1:
        return [plan]
    return [_part(plan, names, first=i == 0) for i, names in enumerate(groups)]


def _cost(value: Value) -> int:
    squares = len(value.pairs) if value.squared else 0
    return 1 + squares // 3


def _part(plan: Plan, names: list[str], *, first: bool) -> Plan:
    mine = [a for a in plan.aggs if a.column in names or (first and a.column is None)]
    return plan._replace(values={name: plan.values[name] for name in names}, aggs=mine)


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
