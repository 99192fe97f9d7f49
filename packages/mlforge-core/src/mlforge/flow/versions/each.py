"""Asking a store about many features or versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mlforge.plugin.stores import PointersStore, Store

AT_ONCE = 16
"""How many are asked about at the same time, of a store that is far away."""
T = TypeVar("T")


def each(store: Store, names: Sequence[str], ask: Callable[[str], T]) -> dict[str, T]:
    """What is answered about each name; several are asked about at the same time where the store is far away."""
    if not isinstance(store, PointersStore) or len(names) < 2:
        return {name: ask(name) for name in names}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))
