"""The verbs about what comes and what was: lock what a model is trained with, and plan what would change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlforge.errors import MlforgeError, NotFound
from mlforge.flow.lock import Lock, LockPolicy, ServedAs, checked_policy, opened
from mlforge.flow.moments import now
from mlforge.flow.online.locked import serving
from mlforge.flow.online.publication import last_publish
from mlforge.flow.planning.foresee import Foreseeing, foresee
from mlforge.flow.planning.plans import ChangePlan
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import quiet
from mlforge.flow.specs import resolved
from mlforge.flow.versions.locks import LockReport, check_lock
from mlforge.flow.wanted import lock
from mlforge.model.spelling import spelled
from mlforge.online_verbs import OnlineVerbs
from mlforge.project.selection import Words, select, words


class LockVerbs(OnlineVerbs):
    """A project with the verbs that hold it to what it was."""

    @spelled
    def lock(self, features: Any, *, full_names: bool = False, profile: str | None = None) -> Lock:
        """The versions that training data of some features is made of now; of a set by its name.

        Args:
            features: What `get_training_data` takes.
            full_names: Whether its columns have full names.
            profile: A profile of `mlforge.yaml`.

        Raises:
            NotFound: A feature or version that was not built.
            Invalid: Two columns of one name, or damaged data.

        Example:
            >>> [pin.version for pin in defs.lock(["user_spend", "last_purchase"]).pins]
            ['1.0.0', '1.0.0']
        """
        with self._leading_on(features), self.settings(profile).offline_store.open() as store:
            named = resolved(self.spelled_out(features), self.request_features)
            return lock(store, named, full_names)

    @spelled
    def check_lock(
        self, lock: Lock | str | Path, *, policy: LockPolicy = "refuse", profile: str | None = None
    ) -> LockReport:
        """Whether the store still has what a lock was made with, and whether that is what is served.

        Args:
            lock: A lock, or its file.
            policy: What may be served: `refuse` any other version, `refresh`: allow later rows of the same
                definition, `warn`: allow any.
            profile: A profile of `mlforge.yaml`.

        Raises:
            NotFound: There is no such file.
            Invalid: It is no lock.

        Example:
            >>> defs.lock("user_spend").save("spend.lock")
            >>> defs.check_lock("spend.lock").ok
            True
        """
        held, how = opened(lock) or Lock(()), checked_policy(policy)
        settings = self.settings(profile)
        served: dict[str, ServedAs | None] = {}
        if settings.online_store is not None:
            with settings.online_store.open() as online:
                served = serving(online, held)
        with settings.offline_store.open() as store:
            return check_lock(store, held, served, how)

    @spelled
    def plan(
        self,
        features: Words = None,
        *,
        locks: Sequence[Lock | str | Path] | Lock | str | Path = (),
        policy: LockPolicy = "refuse",
        profile: str | None = None,
    ) -> ChangePlan:
        """What the definitions would change against the store, before anything is built.

        No function is run and no source is read: what depends on the columns that come out is said to be unknown.

        Args:
            features: Names of features and sets; all if None.
            locks: Locks or their files, to tell which break.
            policy: What may be served in a lock's place, as for `check_lock`.
            profile: A profile of `mlforge.yaml`.

        Raises:
            Unknown: A feature that there is none of.
            NotFound: A lock's file that is not there.

        Example:
            >>> plan = defs.plan("user_spend")
            >>> plan["user_spend"].status, plan["user_spend"].next
            ('unchanged', None)
        """
        how, held = checked_policy(policy), _by_name(locks)
        requests, stored = self._requests(features), self._stored(features)
        none = features is not None and not stored
        chosen = () if none else select(self.features, stored, sets=self.stored_sets)
        sets = [s for s in self.feature_sets.values() if features is None or s.name in words(features)]
        settings = self.settings(profile)
        with Session(self, settings, None, now, quiet) as session:
            served, notes = self._served(held.values(), session.store.names(), profile)
            return foresee(Foreseeing(session, served, how, notes), chosen, sets, held, features is None, requests)

    def _served(
        self, locks: Iterable[Lock], kept: Iterable[str], profile: str | None
    ) -> tuple[dict[str, ServedAs | None], tuple[str, ...]]:
        """What is served, by feature and by `f@1.0.0` of locks; and what could not be looked at."""
        config = self.settings(profile).online_store
        if config is None:
            return {}, ()
        found: dict[str, ServedAs | None] = {}
        try:
            with config.open() as online:
                for held in locks:
                    found |= serving(online, held)
                for name in dict.fromkeys([*self.features, *kept]):
                    found[name] = _served_to_all(online, name)
        except MlforgeError as error:
            return {}, (f"What is served is not known: {error.message}",)
        return found, ()


def _served_to_all(online: Any, name: str) -> ServedAs | None:
    try:
        found = last_publish(online, name)
    except NotFound:
        return None
    return ServedAs(found.publish.version, found.publish.content_hash, found.meta)


def _by_name(locks: Sequence[Lock | str | Path] | Lock | str | Path) -> dict[str, Lock]:
    """Locks by their file, or the set's name."""
    each = [locks] if isinstance(locks, Lock | str | Path) else list(locks)
    found: dict[str, Lock] = {}
    for number, one in enumerate(each, 1):
        held = opened(one) or Lock(())
        found[str(one) if isinstance(one, str | Path) else held.name or f"lock {number}"] = held
    return found
