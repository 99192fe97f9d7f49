"""Locks: made of what the store has, and held against it and against what is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.flow.lock import Lock, LockPolicy, Pin, ServedAs, Verdict, allowed, verdict_on
from mlforge.flow.versions.find import artifact
from mlforge.model.html import table
from mlforge.plugin.intact import verify
from mlforge.plugin.stores import Store


class LockedFeature(msgspec.Struct, frozen=True, kw_only=True):
    """How a version of a lock stands.

    Args:
        feature: Its name.
        version: The version that the lock has.
        kept: Whether the offline store has it as it was.
        served: The version that is served; None where none is.
        serving: How what is served compares; None where nothing is, or there is no online store.
        allowed: Whether the policy lets that be served.
        why: What is wrong.
        hint: The way out.
    """

    feature: str
    version: str
    kept: bool = True
    served: str | None = None
    serving: Verdict | None = None
    allowed: bool = True
    why: str | None = None
    hint: str | None = None

    @property
    def ok(self) -> bool:
        return self.kept and self.allowed


class LockReport(msgspec.Struct, frozen=True):
    """How a lock stands. Iterate it for its features.

    Example:
        >>> report = defs.check_lock(defs.lock("user_spend"))
        >>> report.ok, [(one.feature, one.version, one.kept) for one in report]
        (True, [('user_spend', '1.0.0', True)])
    """

    name: str | None
    policy: LockPolicy
    features: tuple[LockedFeature, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as the lock has it, as far as the policy asks.

        Example:
            >>> defs.check_lock(defs.lock("user_spend")).ok
            True
        """
        return all(one.ok for one in self.features)

    def __iter__(self) -> Iterator[LockedFeature]:
        return iter(self.features)

    def _repr_html_(self) -> str:
        rows = [
            (f.feature, f.version, "yes" if f.kept else "no", f.served or "–", f.serving or "–", f.why or "")
            for f in self.features
        ]
        heads = ("feature", "version", "kept", "served", "compares", "")
        return table(heads, rows, caption=self.name or "lock", note="all well" if self.ok else "not as the lock has it")


def check_lock(store: Store, held: Lock, served: Mapping[str, ServedAs | None], policy: LockPolicy) -> LockReport:
    """A lock against the offline store, and against what is served where that is known."""
    return LockReport(held.name, policy, tuple(_checked(store, pin, served.get(pin.text), policy) for pin in held.pins))


def _checked(store: Store, pin: Pin, served: ServedAs | None, policy: LockPolicy) -> LockedFeature:
    found = LockedFeature(feature=pin.name, version=pin.version)
    if served is not None:
        verdict = verdict_on(pin, served.version, served.meta)
        let = allowed(verdict, policy)
        why = None if let else _said(pin, served)
        hint = None if let else f"Publish it beside: mlforge publish {pin.text} --beside"
        found = msgspec.structs.replace(found, served=served.version, serving=verdict, allowed=let, why=why, hint=hint)
    if broken := broken_pin(store, pin):
        return msgspec.structs.replace(found, kept=False, why=broken.message, hint=broken.hint)
    return found


def broken_pin(store: Store, pin: Pin) -> MlforgeError | None:
    """Why a version of a lock can no longer be read as it was; None where it can."""
    try:
        found = artifact(store, pin.name, pin.version)
        if found.meta.content_hash != pin.content_hash:
            return changed_content(pin)
        if gone := [c for c in pin.columns if c not in found.meta.answered.names]:
            return Invalid(f"{pin.name!r} {pin.version} has no column {gone[0]!r}.", hint="Make a new lock.")
        verify(store, found, relied=True)
    except (NotFound, Invalid) as error:
        return error
    return None


def changed_content(pin: Pin) -> Invalid:
    """The refusal of a version that bears a lock's number and holds something else."""
    return Invalid(
        f"{pin.name!r} {pin.version} is not what the lock was made with: its content has another hash.",
        hint="The store was rebuilt or damaged; make a new lock, or restore the version.",
    )


def _said(pin: Pin, served: ServedAs) -> str:
    if served.version == pin.version:
        return f"{pin.name!r} {pin.version} is served with other rows than the lock has."
    return f"{pin.name!r} is served as {served.version}, and the lock has {pin.version}."
