"""How a publishing fared, feature by feature."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mlforge.flow.failure import Failure, error_of
from mlforge.model.html import table


class PublishResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the publishing of one feature fared.

    Args:
        feature: Its name.
        status: `published`, `unchanged` (it was there already), `withdrawn` or `failed`.
        version: The version that is served.
        as_of: The instant it was published for, ISO 8601.
        until: The instant up to which what is served is what a training set would have; None for ever.
        entities: Entities whose values were written.
        removed: Entities that are gone and were removed.
        resumed: Entries an interrupted publish had written before.
        whole: Whether every entity was written, not only what had changed.
        seconds: Wall time.
        failure: Why it failed.

    Example:
        >>> result = defs.publish("user_spend", as_of="2026-02-15")["user_spend"]
        >>> result.status, result.as_of, result.until
        ('published', '2026-02-15T00:00:00Z', '2026-02-17T00:00:00Z')
    """

    feature: str
    status: str
    version: str | None = None
    as_of: str | None = None
    until: str | None = None
    entities: int = 0
    removed: int = 0
    resumed: int = 0
    whole: bool = False
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        return self.status != "failed"

    @property
    def rate(self) -> float:
        """Entries written in a second.

        Example:
            >>> defs.publish("user_spend", as_of="2026-02-15")["user_spend"].rate > 0
            True
        """
        return (self.entities + self.removed) / self.seconds if self.seconds else 0.0


class PublishReport(msgspec.Struct, frozen=True):
    """How the publishing of several features fared. Iterate it, or ask for one: `report["user_spend"]`.

    Example:
        >>> report = defs.publish(as_of="2026-02-15")
        >>> report.ok, [r.entities for r in report]
        (True, [25, 25])
    """

    results: tuple[PublishResult, ...]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no feature failed.

        Example:
            >>> defs.publish().ok
            True
        """
        return all(r.ok for r in self.results)

    @property
    def failed(self) -> tuple[PublishResult, ...]:
        return tuple(r for r in self.results if not r.ok)

    def __iter__(self) -> Iterator[PublishResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        """One line a feature."""
        lines = [f"  {r.feature}{f' {r.version}' if r.version else ''}: {_fared(r)}" for r in self.results]
        return "\n".join([f"PublishReport({len(self)} features, {self.seconds:.1f} s)", *lines])

    def __getitem__(self, name: str) -> PublishResult:
        return {r.feature: r for r in self.results}[name]

    def raise_for_failure(self) -> PublishReport:
        """This report, or the first failure as an error.

        Example:
            >>> len(defs.publish(as_of="2026-02-15").raise_for_failure().results)
            2
        """
        for result in self.failed:
            if result.failure is not None:
                raise error_of(result.failure, result.feature)
        return self

    def _repr_html_(self) -> str:
        rows = [(r.feature, r.version or "–", _fared(r)) for r in self.results]
        return table(("feature", "version", ""), rows, caption=f"Published in {self.seconds:.1f} s")


def _fared(result: PublishResult) -> str:
    if result.failure:
        return f"failed. {result.failure.told}"
    return f"{result.status}, {result.entities:,} entities, {result.removed:,} removed."
