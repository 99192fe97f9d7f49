"""Medians in windows of entities that have but few values.

The values stand one after the other in the order of entities and time, and a window is a run of them. Its median is
taken of a list: the run lies within two blocks of as many values as it may hold. A list costs what its values do, so
where there are many of them medians are taken like all other runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from mlforge.model.schema import is_float
from mlforge.plugin.engine.aggregations import Aggregate
from mlforge_duckdb.aggs import Plan, Value, columns, ended, held

_BLOCKS = (8, 32, 128, 512)  # values
_BYTES = 2 * 8 * 2048 * 16  # for each value of a block: two blocks a row, a vector of rows, and a few such vectors
_FEW = 128  # values in a list for which there is always memory

_MIDDLE = "[0.5, 0.50001]"  # the lower and the upper of two values in the middle, or twice the one, of not too many


def most_listed(memory: int) -> int:
    """How many values a list may have in so many bytes."""
    return max(b for b in _BLOCKS if b <= max(_FEW, memory // _BYTES))


def with_medians(points: str, events: str, plan: Plan, most: int) -> str:
    """The change points, a query, with the medians of the numbered events, which is another.

    No entity has more than `most` events.
    """
    tables, joins = [f"points AS MATERIALIZED ({points})"], []
    for number, name in enumerate(dict.fromkeys(a.column or "" for a in plan.slow)):
        mine = [a for a in plan.slow if a.column == name]
        tables.append(f"found{number} AS ({medians_of(plan.values[name], mine, events, plan, most)})")
        joins.append(f"LEFT JOIN found{number} USING (e, t)")
    return f"WITH {', '.join(tables)} FROM points {' '.join(joins)} ORDER BY e, t"


def medians_of(value: Value, medians: Sequence[Aggregate], events: str, plan: Plan, most: int) -> str:
    """The medians of an input at the change points, a table `points`, with `e` and `t`; none where all are null.

    No window holds more than `most` values: for what cannot be there nothing is asked, which takes time to plan, too.
    """
    fullest = f"greatest({', '.join(held(a, plan) for a in medians)})"
    points = f"SELECT *, {fullest} AS n FROM points WHERE n > 0"
    return " UNION ALL ".join(
        _listed(value, medians, f"FROM ({points}) WHERE n > {above} AND n <= {block}", block, events, plan)
        for above, block in pairwise((0, *_BLOCKS))
        if above < max(most, 1)
    )


def _listed(value: Value, medians: Sequence[Aggregate], points: str, most: int, events: str, plan: Plan) -> str:
    """The medians at change points whose windows hold no more than `most` values."""
    name, end = value.name, ended(value)
    placed = f"SELECT *, ({end} - 1) // {most} AS b, {end} - greatest(b - 1, 0) * {most} AS z FROM ({points})"
    needed = f"SELECT unnest([b, b - 1]) AS b FROM (SELECT DISTINCT b FROM ({placed}))"
    known = f"SELECT {name}, row_number() OVER () AS r, (r - 1) // {most} AS b FROM ({events}) WHERE {name} IS NOT NULL"
    blocks = f"SELECT b, list({name} ORDER BY r) AS vs FROM ({known}) SEMI JOIN ({needed}) USING (b) GROUP BY b"
    both = f"SELECT b, list_concat(coalesce(lag(vs) OVER (ORDER BY b), []), vs) AS vs FROM ({blocks})"
    seen = f"SELECT * REPLACE (vs[z - n + 1:z] AS vs) FROM ({placed}) JOIN ({both}) USING (b)"
    middles = [f"list_aggregate(vs[-{held(a, plan)}:], 'quantile_disc', {_MIDDLE})" for a in medians]
    pairs = [f"CASE WHEN {held(a, plan)} > 0 THEN {m} END AS {a.name}" for a, m in zip(medians, middles, strict=True)]
    found = f"SELECT {columns(['e', 't'], pairs)} FROM ({seen})"
    return _halfway(value, [(a.name, f"{a.name}[1]", f"{a.name}[2]") for a in medians], found)


def _halfway(value: Value, middles: Sequence[tuple[str, str, str]], found: str) -> str:
    """Change points with the means, under a name, of two values each."""
    return f"SELECT {columns(['e', 't'], list(_means(value, middles)))} FROM ({found})"


def _means(value: Value, middles: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for name, low, high in middles:
        if is_float(value.word):
            yield f"{_mean(f'CAST({low} AS DOUBLE)', f'CAST({high} AS DOUBLE)')} AS {name}"
        else:
            a, b = f"CAST({low} AS HUGEINT)", f"CAST({high} AS HUGEINT)"  # their sum may be beyond it
            rest = f"CAST({a} % 2 + {b} % 2 AS DOUBLE) / 2"
            yield f"CAST({a} // 2 + {b} // 2 AS DOUBLE) + {rest} AS {name}"


def _mean(low: str, high: str) -> str:
    """Of two floats: what halving a small one loses is lost beside a large one."""
    return f"CASE WHEN greatest(abs({low}), abs({high})) > 1 THEN {low} / 2 + {high} / 2 ELSE ({low} + {high}) / 2 END"
