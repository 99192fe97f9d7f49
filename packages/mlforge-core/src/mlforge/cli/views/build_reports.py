"""How a build or a validation fared, as people see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlforge.cli.views.online_reports import published
from mlforge.cli.views.terminal import GAP, Cell, ColumnHead, Styled, columns, fitting, say, table, way_out
from mlforge.cli.views.wording import NONE, because, dropped, listing, plain, spent
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.model.check import CheckResult
from mlforge.model.text import number_of
from mlforge.project.selection import Words, words

_STYLES = {"built": "green", "valid": "green", "planned": "cyan", "unchanged": "dim", "failed": "red"}


def built(report: BuildReport, *, forced: bool = False) -> None:
    """What a build did: a table, then what was dropped, the first rows, and what failed."""
    heads = columns("*feature", "status", "version", "*why", ">rows", ">time")
    table(heads, [_built_row(r) for r in report])
    _notes(report)
    for result in report:
        if result.preview:
            preview(f"{result.feature} {result.version}", result.preview)
    _failures(report)
    say()
    say(_summary(report))
    if report.published is not None:
        say()
        published(report.published)
    if not forced and len(report) and all(r.status == "unchanged" and not r.source_changed for r in report):
        say("Nothing to build: sources, definitions and functions are what they were. --force builds anyway.")


def validated(report: BuildReport) -> None:
    """Which promises hold: a line a feature, then what is broken, column by column."""
    heads = columns("*feature", "status", ">promises kept", ">time")
    table(heads, [_validated_row(r) for r in report])
    _notes(report)
    _failures(report)
    say()
    say(_summary(report))


def nothing(verb: str, defined: int, features: Words, tags: Words, schedule: Words) -> None:
    """Why there is nothing to do."""
    if not defined:
        say(f"Nothing to {verb}: the definitions hold no feature.")
        return
    asked = (("tag", words(tags)), ("schedule", words(schedule)))
    wanted = " and ".join(f"the {what} {' or '.join(names)}" for what, names in asked if names)
    say(f"Nothing to {verb}: {f'none of {listing(words(features))}' if features else 'no feature'} has {wanted}.")


def _built_row(result: BuildResult) -> tuple[Cell, ...]:
    rows = f"{result.rows:,}" if result.status in {"built", "unchanged"} else NONE
    return result.feature, _status(result), result.version or NONE, _why(result), rows, spent(result.seconds)


def _validated_row(result: BuildResult) -> tuple[Cell, ...]:
    kept = sum(c.passed for c in result.checks)
    promises = f"{kept} of {len(result.checks)}" if result.checks else NONE
    return result.feature, _status(result), promises, spent(result.seconds)


def _status(result: BuildResult) -> Cell:
    return Styled(result.status, _STYLES[result.status])


def _why(result: BuildResult) -> Cell:
    if result.failure:
        return Styled("see below", "dim")
    if result.source_changed:
        return "no new event"
    return because(result.change) if result.change else "nothing has changed"


def _notes(report: BuildReport) -> None:
    lines = [(r.feature, n) for r in report if r.change or r.source_changed for n in r.notes]
    lines += [(r.feature, f"warning: {c}.") for r in report for c in r.warnings]
    lines += [(r.feature, dropped(r.dropped)) for r in report if r.dropped]
    if lines:
        say()
    for feature, line in lines:
        say(Styled(f"{feature}: ", "bold"), line)


def _failures(report: BuildReport) -> None:
    """Each failure once, with the features it befell."""
    befell: dict[tuple[str, str | None], list[BuildResult]] = {}
    for result in report.failed:
        if result.failure:
            befell.setdefault((result.failure.message, result.failure.hint), []).append(result)
    for (message, hint), results in befell.items():
        say()
        names = ", ".join(r.feature for r in results)
        broken = [c for c in results[0].checks if not c.passed and c.severity == "error"]
        said = f"{len(broken)} of {len(results[0].checks)} promises broken." if broken else message
        say(Styled(f"{names}: ", "bold red"), said)
        if broken:
            _broken(broken)
        way_out(hint, *(r.failure.where for r in results if r.failure))


def _broken(checks: Sequence[CheckResult]) -> None:
    heads = columns("column", "*promise", ">broken by", ">share", "*such as")
    rows = [(c.column, c.label, *_extent(c), ", ".join(map(plain, c.examples)) or c.told) for c in checks]
    table(heads, rows, indent=2)


def _extent(check: CheckResult) -> tuple[str, str]:
    """By how many rows it is broken, and by which share; neither of one about figures."""
    return (NONE, NONE) if check.told else (f"{check.failures:,} of {check.rows:,}", _share(check))


def _share(check: CheckResult) -> str:
    return "< 0.01 %" if 0 < check.share < 0.0001 else f"{check.share:.2%}".replace("%", " %")


def _summary(report: BuildReport) -> str:
    counts = [(s, sum(r.status == s for r in report)) for s in _STYLES]
    words = ", ".join(f"{n} {status}" for status, n in counts if n) or "nothing done"
    return f"{words} in {spent(report.seconds)}"


def preview(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The first rows of a version, as many columns as fit."""
    headers = list(rows[0])
    cells = [[plain(row[h]) for h in headers] for row in rows]
    count = fitting(headers, cells, indent=2)
    numbers = [all(isinstance(r[h], int | float) or r[h] is None for r in rows) for h in headers]
    heads = [ColumnHead(h, "right" if n else "left") for h, n in zip(headers, numbers, strict=True)]
    say()
    say(Styled(name, "bold"), Styled(f"  first {len(rows)} rows", "dim"))
    table(heads[:count], [row[:count] for row in cells], indent=2)
    if left := headers[count:]:
        say(" " * GAP, Styled(f"and {number_of(len(left), 'column')} more: {listing(left)}", "dim"))
