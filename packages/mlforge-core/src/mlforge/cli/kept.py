"""The stores that a profile names: what there is can be told from them without importing any definitions."""

from __future__ import annotations

import os
from pathlib import Path

from mlforge.plugin.config import OnlineStoreConfig, StoreConfig
from mlforge.project.profiles import choose_profile
from mlforge.project.project import find_root


def store_by_profile(profile: str | None, here: Path) -> StoreConfig | None:
    """The offline store of the profile in use, at the project's root; None where no profile names one.

    Raises:
        NotFound: A profile is asked for, and there is no `mlforge.yaml`.
        Unknown: It has no such profile.
        Invalid: A setting that does not fit.
    """
    root = find_root(here)
    found, _ = choose_profile(root, profile, None, os.environ)
    return None if found is None or found.offline_store is None else found.offline_store.at(root)


def online_store_by_profile(profile: str | None, here: Path) -> OnlineStoreConfig | None:
    """The online store of the profile in use, at the project's root; None where it names none. Raises as above."""
    root = find_root(here)
    found, _ = choose_profile(root, profile, None, os.environ)
    return None if found is None or found.online_store is None else found.online_store.at(root)
