"""What an online store serves of many features, at a glance."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mlforge.errors import MlforgeError, NotFound
from mlforge.flow.moments import iso
from mlforge.flow.online.publication import last_publish
from mlforge.model.lineage import ServedVersion
from mlforge.plugin.config import OnlineStoreConfig
from mlforge.plugin.online_stores import OnlineStore

AT_ONCE = 16
_log = logging.getLogger("mlforge.lineage")


def served_versions(config: OnlineStoreConfig, names: Sequence[str]) -> dict[str, ServedVersion]:
    """The version that is served of each feature that is. That the store cannot be asked is a warning, not an error."""
    try:
        with config.open() as online:
            return served_now(online, names)
    except MlforgeError as error:
        _log.warning("What is served cannot be told: %s", error)
        return {}


def served_now(online: OnlineStore, names: Sequence[str]) -> dict[str, ServedVersion]:
    """The same of an opened store.

    Raises:
        PluginFailed: The store does not answer.
    """
    with ThreadPoolExecutor(min(AT_ONCE, max(1, len(names)))) as pool:
        found = zip(names, pool.map(partial(_served, online), names), strict=True)
        return {name: version for name, version in found if version is not None}


def _served(online: OnlineStore, name: str) -> ServedVersion | None:
    try:
        publish = last_publish(online, name).publish
    except NotFound:
        return None
    return ServedVersion(publish.version, iso(publish.as_of))
