"""What a catalog is made of: a project's definitions and stores, or a profile's stores alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mlforge.cli.catalog.retrieval import Place, below
from mlforge.cli.kept import online_store_by_profile, store_by_profile
from mlforge.errors import NotFound
from mlforge.flow.discovering.book import Defined
from mlforge.plugin.config import OnlineStoreConfig, StoreConfig
from mlforge.project.project import Project, find_root

Load = Callable[[str | None], Project]


class Shown(NamedTuple):
    """What is shown: the project's name, its stores, what definitions tell, and the stores as people write them."""

    name: str
    store: StoreConfig
    online: OnlineStoreConfig | None
    told: Defined
    place: Place


def shown(load: Load, target: str | None, profile: str | None, *, store_only: bool) -> Shown:
    """What definitions and their store tell; the profile's stores alone where that is asked, or there are none.

    Raises:
        NotFound: There are no definitions, and no profile names an offline store.
        Invalid: The definitions fail to import.
        Unknown: There is no such profile.
    """
    if store_only:
        return _of_store(profile)
    try:
        project = load(target)
    except NotFound:
        if target is not None or store_by_profile(profile, Path.cwd()) is None:
            raise
        return _of_store(profile)
    settings = project.settings(profile)
    told = Defined(project.features, project.request_features, project.feature_sets)
    return _placed(project.name, settings.offline_store, settings.online_store, told, project.root)


def _of_store(profile: str | None) -> Shown:
    config = store_by_profile(profile, Path.cwd())
    if config is None:
        raise NotFound(
            "No profile names an offline store.",
            hint="Write one into mlforge.yaml: profiles: {dev: {offline_store: {KIND: local, path: feature_store}}}",
        )
    root = find_root(Path.cwd())
    return _placed(root.name, config, online_store_by_profile(profile, Path.cwd()), Defined(), root)


def _placed(name: str, store: StoreConfig, online: OnlineStoreConfig | None, told: Defined, root: Path) -> Shown:
    place = Place(below(store, root), None if online is None else below(online, root))
    return Shown(name, store, online, told, place)
