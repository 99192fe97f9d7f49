"""Keys: one column or several, unicode, empty, huge, null, and some that no event has."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from hypothesis import strategies as st

from mlforge.model.keys import Key, KeyValue
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.values import DATES, INTEGERS, TEXTS

COMPONENTS: dict[str, tuple[Any, ...]] = {
    "Int64": (1, 2, -1, 2**53 + 1, 2**53),
    "Int32": (0, 7, -7),
    "UInt64": (0, 2**63, 2**64 - 1),
    "String": ("", "a", "A", "é", "𝄞", "None"),
    "Boolean": (True, False),
    "Date": (date(2024, 2, 29), date(1969, 12, 31)),
    "Datetime": (instant(0), instant(-1), instant(1_709_164_800_000_000)),
    "Binary": (b"", b"\x00\xff"),
}
SHAPES = (
    ("Int64",),
    ("String",),
    ("String", "Int64"),
    ("Date",),
    ("Boolean", "String"),
    ("UInt64",),
    ("Datetime", "Int32"),
    ("Binary",),
)


class KeySpace(msgspec.Struct, frozen=True):
    """The key columns of a case and the keys that stand in it; the last one no event has."""

    dtypes: dict[str, str]
    keys: tuple[tuple[Any, ...], ...]

    @property
    def columns(self) -> tuple[Key, ...]:
        return tuple(map(Key, self.dtypes))

    def in_worlds(self, worlds: int) -> KeySpace:
        """The same keys in so many worlds, which have nothing in common: a further key column numbers them."""
        keys = [(*key, world) for key in self.keys[:-1] for world in range(worlds)]
        return KeySpace({**self.dtypes, "world": "Int64"}, (*keys, (*self.keys[-1], 0)))

    def of_events(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([self._row(key) for key in self.keys[:-1]])

    def of_spine(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([self._row(key) for key in self.keys])

    def _row(self, key: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.dtypes, key, strict=True))


@st.composite
def key_spaces(draw: st.DrawFn, nulls: bool = True, most: int = 4) -> KeySpace:
    """A few keys of one shape."""
    shape = draw(st.sampled_from(SHAPES))
    components = [st.sampled_from((*COMPONENTS[d], None) if nulls else COMPONENTS[d]) for d in shape]
    keys = draw(st.lists(st.tuples(*components), min_size=2, max_size=most, unique_by=repr))
    return KeySpace({f"k{i}": dtype for i, dtype in enumerate(shape)}, tuple(keys))


def key_values() -> st.SearchStrategy[KeyValue]:
    """Whatever a surrogate key may be made of."""
    times = st.integers(-(10**15), 10**15).map(instant)
    chosen = st.sampled_from((*INTEGERS, *TEXTS, *DATES, 2**64 - 1, True, False, None))
    return st.one_of(chosen, st.text(max_size=8), st.integers(-(2**63), 2**63 - 1), times, st.binary(max_size=5))
