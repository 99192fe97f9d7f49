"""What a command that serves needs of a project, without what the definitions import."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, LockPolicy, specs_in
from mlforge.flow.online.reader import REFRESHED_AFTER, Reader
from mlforge.flow.online.request_notes import noted_requests
from mlforge.flow.specs import resolved
from mlforge.model.feature import FeatureSpec, refuse_name
from mlforge.model.feature_set import FeatureSet
from mlforge.model.request import RequestFeature
from mlforge.plugin.config import OnlineStoreConfig
from mlforge.plugin.online_stores import OnlineStore
from mlforge.project.profiles import choose_profile
from mlforge.project.project import Project, find_root

Load = Callable[[str | None], Project]


class Served(msgspec.Struct, frozen=True):
    """What is served: the project's name, its features' names, and where their values are.

    Args:
        project: The project's name.
        features: The features that may be asked for, published or not, those of requests last.
        store: The online store's config.
        sets: The feature sets that may be asked for.
        lock: What a model was trained with: nothing else is served.
        policy: What may be served in the lock's place.
        requests: Those that are computed of a request.
        noted: Whether no definitions say which those are, but the online store.
    """

    project: str
    features: tuple[str, ...]
    store: OnlineStoreConfig
    sets: tuple[FeatureSet, ...] = ()
    lock: Lock | None = None
    policy: LockPolicy = "refuse"
    requests: dict[str, RequestFeature] = {}
    noted: bool = False

    def as_noted(self, online: OnlineStore) -> Served:
        """The same, with the request features as they are published now, where no definitions say them."""
        return msgspec.structs.replace(self, requests=noted_requests(online, self.features)) if self.noted else self

    def reader(
        self,
        online: OnlineStore,
        features: Any,
        full_names: bool = False,
        refreshed_after: float = REFRESHED_AFTER,
        warn: Callable[[str], None] | None = None,
    ) -> Reader:
        """A reader of some features from the opened store. Raises as `Reader` does."""
        return Reader(
            online,
            resolved(features, self.requests),
            full_names,
            refreshed_after=refreshed_after,
            lock=self.lock,
            policy=self.policy,
            warn=warn,
        )

    def locked(self, lock: Lock, policy: LockPolicy) -> Served:
        """The same, of which nothing is served but what a lock has; the lock's name is that of a set.

        Raises:
            Invalid: Features are named that the lock does not have.
        """
        names = dict.fromkeys([*(pin.name for pin in lock.pins if pin.answered), *(one.name for one in lock.requests)])
        if not names:
            raise Invalid("The lock has no features.", hint="Make one: mlforge lock NAME -o FILE")
        requests = {one.name: one.feature for one in lock.requests}
        stored = [spec for spec, _ in specs_in(lock, None)]
        computed = [FeatureSpec(one.name, None, one.chosen) for one in lock.requests]
        own = [FeatureSet(lock.name, [*stored, *computed])] if lock.name else []
        sets = [s for s in self.sets if s.name != lock.name and _has(lock, s)]
        return msgspec.structs.replace(
            self, features=tuple(names), sets=(*own, *sets), lock=lock, policy=policy, requests=requests, noted=False
        )


def _has(lock: Lock, one: FeatureSet) -> bool:
    requests = {request.name for request in lock.requests}
    try:
        specs_in(lock, [spec for spec in one.specs if spec.name not in requests])
    except Invalid:
        return False
    return True


def served(load: Load, target: str | None, profile: str | None, meanwhile: Callable[[], object]) -> Served:
    """What the definitions say of serving; they are read in a process of their own, so that none of it stays here."""
    with ProcessPoolExecutor(1, get_context("fork" if "fork" in get_all_start_methods() else "spawn")) as beside:
        found = beside.submit(_of_definitions, load, target, profile)
        meanwhile()
        try:
            return found.result()
        except BrokenProcessPool as error:
            raise Invalid(
                "The definitions ended the process that read them.",
                hint="Where a library crashed, this shows it: python -X faulthandler -m mlforge list",
            ) from error


def served_by_name(features: tuple[str, ...], profile: str | None, here: Path) -> Served:
    """Features by name, and the online store that a profile of `mlforge.yaml` sets: no definitions are read."""
    for name in features:
        refuse_name(name, "a feature")
    root = find_root(here)
    found, _ = choose_profile(root, profile, None, os.environ)
    store = None if found is None else found.online_store
    if store is None:
        raise Invalid(
            "There is no online store." if found is None else f"The profile {found.name!r} sets no online_store.",
            hint="Without definitions it comes from mlforge.yaml: profiles: {prod: {online_store: {KIND: …}}}",
        )
    return Served(root.name, features, store.at(root), noted=True)


def _of_definitions(load: Load, target: str | None, profile: str | None) -> Served:
    project = load(target)
    store = project.settings(profile).online_store
    if store is None:
        raise Invalid(
            "There is no online store.",
            hint='Definitions(…, online_store=SQLiteOnlineStore("online.db")), or online_store in mlforge.yaml.',
        )
    names, sets = (*project.features, *project.request_features), tuple(project.feature_sets.values())
    return Served(project.name, names, store, sets, requests=project.request_features)
