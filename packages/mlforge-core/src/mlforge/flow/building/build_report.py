"""What a build or a validation has to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from mlforge.errors import CheckFailed
from mlforge.flow.failure import Failure, error_of
from mlforge.model.check import CheckResult
from mlforge.model.html import table
from mlforge.model.meta import Change, FeatureMeta
from mlforge.model.text import number_of

BuildStatus = Literal["built", "unchanged", "planned", "valid", "failed"]


class BuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one feature fared.

    Args:
        feature: Its name.
        status: `built`, `unchanged`, `planned` (a dry run), `valid` (a validation) or `failed`.
        version: The version that was made, stands, or is expected.
        change: Why it got that number.
        rows: ComputedRows written.
        dropped: ComputedRows left out because a key was null.
        seconds: Wall time.
        checks: What every validator found.
        failure: Why it failed.
        notes: What else there is to know, such as why nothing was built.
        source_changed: Whether the source is another one although nothing was built: no event in it is new.
        logic_unknown: What of the function cannot be told, such as `f.DB, a sqlite3.Connection`: it is built each time.
        preview: The first rows.

    Example:
        >>> result = defs.build("user_spend", force=True)["user_spend"]
        >>> result.version, result.change.bump, result.rows
        ('1.0.1', 'patch', 726)
    """

    feature: str
    status: BuildStatus
    version: str | None = None
    change: Change | None = None
    rows: int = 0
    dropped: int = 0
    seconds: float = 0.0
    engine: str = ""
    checks: tuple[CheckResult, ...] = ()
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    source_changed: bool = False
    logic_unknown: tuple[str, ...] = ()
    preview: tuple[dict[str, Any], ...] = ()
    meta: FeatureMeta | None = None

    @property
    def ok(self) -> bool:
        return self.status != "failed"

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The broken promises that are only told: those of `severity="warn"`."""
        return tuple(c for c in self.checks if not c.passed and c.severity == "warn")


class BuildReport(msgspec.Struct, frozen=True):
    """How a build fared, feature by feature. Iterate it, or ask for one: `report["user_spend"]`.

    `published` is the `PublishReport` of a build that published too.

    Example:
        >>> report = defs.build()
        >>> report.ok, len(report.results), report["user_spend"].status
        (True, 2, 'unchanged')
    """

    results: tuple[BuildResult, ...]
    seconds: float = 0.0
    published: Any = None

    @property
    def ok(self) -> bool:
        """Whether no feature failed.

        Example:
            >>> defs.build().ok
            True
        """
        return all(r.ok for r in self.results) and (self.published is None or self.published.ok)

    @property
    def failed(self) -> tuple[BuildResult, ...]:
        return tuple(r for r in self.results if not r.ok)

    def __iter__(self) -> Iterator[BuildResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        """One line a feature; then those of the publishing, where it published."""
        lines = [f"  {r.feature}{_version(r)}: {_fared(r)} {_note(r)}".rstrip() for r in self.results]
        online = [] if self.published is None else [repr(self.published)]
        return "\n".join([f"BuildReport({len(self)} features, {self.seconds:.1f} s)", *lines, *online])

    def __getitem__(self, name: str) -> BuildResult:
        return {r.feature: r for r in self.results}[name]

    def raise_for_failure(self) -> BuildReport:
        """This report, or the first failure as an error.

        Raises:
            PluginFailed: A feature failed; the message is the feature's own.

        Example:
            >>> len(defs.build().raise_for_failure().results)
            2
        """
        failures = [(r, r.failure) for r in self.results if r.failure is not None]
        for result, failure in failures[:1]:
            if failure.kind == CheckFailed.__name__:
                raise CheckFailed(f"{result.feature}: {failure.message}", hint=failure.hint, results=result.checks)
            raise error_of(failure, result.feature)
        if self.published is not None:
            self.published.raise_for_failure()
        return self

    def _repr_html_(self) -> str:
        rows = [
            (r.feature, r.status, r.version or "–", f"{r.rows:,}", f"{r.dropped:,}", _note(r)) for r in self.results
        ]
        heads = ("feature", "status", "version", "rows", "dropped", "")
        built = table(heads, rows, caption=f"{number_of(len(self), 'feature')} in {self.seconds:.1f} s")
        return built if self.published is None else built + str(self.published._repr_html_())


def _version(result: BuildResult) -> str:
    return f" {result.version}" if result.version else ""


def _fared(result: BuildResult) -> str:
    """How it fared, in words that say no more than was done."""
    if result.status in {"built", "unchanged"}:
        return f"{result.status}, {result.rows:,} rows."
    if result.status == "valid":
        return f"valid, {sum(c.passed for c in result.checks)} of {len(result.checks)} promises kept."
    return f"{result.status}."


def _note(result: BuildResult) -> str:
    if result.failure:
        return result.failure.told
    if result.warnings:
        return "; ".join(map(str, result.warnings)) + "."
    return result.change.reason if result.change else " ".join(result.notes)
