"""What the definitions would change: of each feature, and what that means for sets and locks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from mlforge.flow.failure import Failure
from mlforge.model.html import table
from mlforge.model.meta import Change
from mlforge.model.text import number_of

FeatureStatus = Literal["new", "unchanged", "refreshed", "changed", "computed", "undefined", "failed"]
Standing = Literal["holds", "changes", "breaks"]


class FeaturePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of one feature.

    Args:
        feature: Its name.
        status: `new`, `unchanged`, `refreshed` (the same definition over other data), `changed`, `computed` (a request
            feature, of which nothing is built), `undefined` (in the store, and in the definitions no more) or `failed`
            (it cannot be built, or not be computed of what is there).
        current: The version that readers get.
        next: The version to expect, at least; None where none would be built.
        changes: Every reason, the gravest first.
        columns: Columns that come (`+ x`), go (`- x`) or mean something else (`~ x`), as far as that can be told.
        unknown: What cannot be told until it is built.
        served: The version that is served to those who name none; None where none is, or that is not known.
        serves: The version to be served after the next build and publish, where that is another.
        failure: Why it cannot be built.
    """

    feature: str
    status: FeatureStatus
    current: str | None = None
    next: str | None = None
    changes: tuple[Change, ...] = ()
    columns: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    served: str | None = None
    serves: str | None = None
    failure: Failure | None = None

    @property
    def gone(self) -> frozenset[str]:
        """The columns that would go."""
        return frozenset(c[2:] for c in self.columns if c.startswith("- "))

    @property
    def added(self) -> frozenset[str]:
        """The columns that would come."""
        return frozenset(c[2:] for c in self.columns if c.startswith("+ "))


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a set, or of a lock.

    Args:
        name: The set's name, or the lock's file.
        standing: Whether it `holds`, `changes` (a set gives other values, for a lock others are served that its policy
            allows) or `breaks`.
        why: A sentence for each feature that has part in it.
    """

    name: str
    standing: Standing
    why: tuple[str, ...] = ()


class ChangePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the definitions would change, feature by feature, and which sets and locks that concerns.

    Example:
        >>> plan = defs.plan()
        >>> [(one.feature, one.status, one.current) for one in plan.features]
        [('user_spend', 'unchanged', '1.0.0'), ('last_purchase', 'unchanged', '1.0.0')]
        >>> plan.ok, plan.breaks
        (True, False)
    """

    features: tuple[FeaturePlan, ...]
    sets: tuple[Effect, ...] = ()
    locks: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every feature can be built and nothing breaks.

        Example:
            >>> defs.plan("user_spend").ok
            True
        """
        broken = [e for e in (*self.sets, *self.locks) if e.standing == "breaks"]
        return not broken and all(one.status != "failed" for one in self.features)

    @property
    def breaks(self) -> bool:
        """Whether a lock breaks.

        Example:
            >>> defs.plan("user_spend", locks=[defs.lock("user_spend")]).breaks
            False
        """
        return any(e.standing == "breaks" for e in self.locks)

    def __iter__(self) -> Iterator[FeaturePlan]:
        return iter(self.features)

    def __getitem__(self, name: str) -> FeaturePlan:
        return {one.feature: one for one in self.features}[name]

    def _repr_html_(self) -> str:
        rows = [
            (
                one.feature, one.status, one.current or "–", one.next or "–",
                "; ".join(c.reason.replace("_", " ") for c in one.changes) or "–", ", ".join(one.columns) or "–",
                one.failure.told if one.failure else "; ".join(one.unknown),
            )
            for one in self.features
        ]  # fmt: skip
        heads = ("feature", "status", "current", "next", "why", "columns", "")
        effects = [(e.name, e.standing, "; ".join(e.why)) for e in (*self.sets, *self.locks)]
        plan = table(heads, rows, caption=number_of(len(self.features), "feature"), note="; ".join(self.notes) or None)
        return plan + (table(("set or lock", "standing", "why"), effects) if effects else "")
