"""What is said of a feature on its page, in words: for HTML and Markdown alike."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlforge.cli.views.expressions import written
from mlforge.cli.views.wording import readable
from mlforge.flow.discovering.book import Page
from mlforge.flow.versions.diff import Diff
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import Column


class Meaning(NamedTuple):
    """A column in words."""

    name: str
    dtype: str
    role: str
    unit: str
    description: str


def definition(page: Page) -> list[tuple[str, str]]:
    """What the definition says; where there is none, what is recorded of it."""
    if page.request is not None:
        uses = ", ".join(f"{s.name}@{s.version}" if s.version else s.name for s in page.request.uses)
        return _told([("inputs", ", ".join(f"{n} {t}" for n, t in page.request.inputs.items())), ("uses", uses)])
    given = _of_definition(page) if page.feature else _of_metadata(page.latest)
    return _told([("keys", ", ".join(page.card.keys)), *given])


def _of_definition(page: Page) -> list[tuple[str, Any]]:
    found = page.feature
    assert found is not None  # noqa: S101 - asked for where there is one
    checks = "; ".join(f"{c.column}: {c.label}" for c in found.checks)
    return [
        ("timestamp", found.shape.stamp), ("interval", found.interval), ("max_age", found.max_age),
        ("tie_break", found.tie_break), ("online_horizon", found.online_horizon),
        ("incremental", found.incremental and "yes"), ("validators", checks),
    ]  # fmt: skip


def _of_metadata(meta: FeatureMeta | None) -> list[tuple[str, Any]]:
    if meta is None:
        return []
    return [
        ("timestamp", meta.timestamp), ("interval", meta.interval), ("max_age", meta.max_age),
        ("tie_break", meta.config.tie_break),
    ]  # fmt: skip


def _told(given: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in given if value]


def columns(page: Page) -> list[Meaning]:
    """Each column with its type, what it is, its unit and what it means."""
    exprs = {name: written(expr) for name, expr in _derived(page).items()}
    stamp = page.latest.timestamp if page.latest else page.feature.shape.stamp if page.feature else None
    return [
        Meaning(c.name, c.dtype, _role(c, page, stamp, exprs), c.unit or "", c.description or "")
        for c in page.card.columns
    ]


def _derived(page: Page) -> dict[str, Any]:
    if page.request is not None:
        return page.request.columns
    if page.latest is not None:
        return page.latest.expressions
    return page.feature.derived if page.feature else {}


def _role(column: Column, page: Page, stamp: str | None, exprs: dict[str, str]) -> str:
    if column.name in page.card.keys:
        return "key"
    if column.name == stamp:
        return "timestamp"
    if column.name in exprs:
        return f"derived: {exprs[column.name]}"
    return f"{column.aggregation} over {column.window}" if column.aggregation else ""


def changes(diff: Diff | None) -> list[str]:
    """What changed with a version, a line for each; nothing of what stayed."""
    if diff is None:
        return []
    lines = [_changed(name, before, after) for name, (before, after) in diff.columns.items()]
    lines += diff.config
    lines += ["the function changed"] if diff.logic else []
    lines += ["the source changed"] if diff.source else []
    return lines


def _changed(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"+ {name} {after}"
    return f"- {name}" if after is None else f"{name}: {before} → {after}"


def built(text: str | None) -> str:
    """When a version was built, in words."""
    return "not built yet" if text is None else readable(text)
