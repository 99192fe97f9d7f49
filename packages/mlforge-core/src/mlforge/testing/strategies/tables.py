"""Tables of any columns."""

from __future__ import annotations

from hypothesis import strategies as st

from mlforge.model.schema import Column, Schema
from mlforge.testing.reference import Table
from mlforge.testing.strategies.values import DTYPES, FLOATS, POOLS, values

NAMES = ("a", "B", "with space", "né", "select", "x.y", '"', "a_b")


@st.composite
def tables(draw: st.DrawFn, dtypes: tuple[str, ...] = DTYPES, max_rows: int = 6) -> Table:
    """Up to five columns with unruly names, and none, one or a few rows."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    schema = Schema(tuple(Column(name, draw(st.sampled_from(dtypes))) for name in names))
    row = st.fixed_dictionaries({c.name: values(c.dtype, "special") for c in schema})
    return Table.of(schema, draw(st.lists(row, max_size=max_rows)))


def every_value(dtype: str) -> Table:
    """One column with all the odd values of a type, and null."""
    pool = (*POOLS[dtype], *FLOATS["special"]) if dtype.startswith("Float") else POOLS[dtype]
    return Table.of(Schema.of(x=dtype), [{"x": value} for value in (*pool, None)])
