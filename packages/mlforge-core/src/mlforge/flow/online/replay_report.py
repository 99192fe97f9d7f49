"""How what is served compares with what a training set would have, feature by feature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from mlforge.flow.failure import Failure
from mlforge.model.html import table


class ReplayDifference(msgspec.Struct, frozen=True):
    """A cell that is served otherwise than a training set would have it, and why."""

    entity: dict[str, Any]
    column: str
    served: Any
    offline: Any
    why: str


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the served values of a feature compare.

    Args:
        feature: Its name.
        version: The version that is served.
        published: The instant it was published for, ISO 8601.
        at: The instant that was replayed.
        entities: How many entities were compared.
        cells: How many values.
        differences: Those that differ.
        seconds: Wall time.
        failure: Why nothing was compared.
    """

    feature: str
    version: str | None = None
    published: str | None = None
    at: str | None = None
    entities: int = 0
    cells: int = 0
    differences: tuple[ReplayDifference, ...] = ()
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether all values are equal."""
        return self.failure is None and not self.differences

    @property
    def share(self) -> float:
        """The share of values that are equal; 1 where there are none."""
        return 1 - len(self.differences) / self.cells if self.cells else 1.0


class ReplayReport(msgspec.Struct, frozen=True):
    """How the served values of several features compare. Iterate it, or ask for one: `report["user_spend"]`."""

    results: tuple[ReplayResult, ...]

    @property
    def ok(self) -> bool:
        """Whether all values of all features are equal."""
        return all(r.ok for r in self.results)

    def __iter__(self) -> Iterator[ReplayResult]:
        return iter(self.results)

    def __getitem__(self, name: str) -> ReplayResult:
        return {r.feature: r for r in self.results}[name]

    def _repr_html_(self) -> str:
        rows = [
            (
                r.feature, r.version or "–", f"{r.entities:,}", f"{r.cells:,}", f"{len(r.differences):,}",
                r.failure.told if r.failure else "; ".join(dict.fromkeys(d.why for d in r.differences[:5])),
            )
            for r in self.results
        ]  # fmt: skip
        heads = ("feature", "version", "entities", "values", "differ", "")
        return table(heads, rows, caption="all values are equal" if self.ok else "not all values are equal")
