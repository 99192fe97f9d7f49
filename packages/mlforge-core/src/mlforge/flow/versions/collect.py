"""Removing what dead builds left."""

from __future__ import annotations

from mlforge.errors import Unsupported
from mlforge.plugin.stores import CollectingStore, Leftover, Store

OLDER = 3600.0
"""For how many seconds nothing may have changed where only time tells the dead from the living."""


def collect(store: Store, dry_run: bool) -> list[Leftover]:
    """Remove what no version and no living build needs; with `dry_run` only say what it is.

    Raises:
        Unsupported: A store that does not know what dead builds leave.
    """
    if not isinstance(store, CollectingStore):
        raise Unsupported(
            "This store does not tell what dead builds left.", hint="Look for it with the tools of its backend."
        )
    return store.collect(OLDER, dry_run)
