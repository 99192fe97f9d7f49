"""How a publishing or a replay fared, as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlforge.cli.views.terminal import Cell, Styled, columns, say, table, way_out
from mlforge.cli.views.wording import NONE, plain, readable, spent

if TYPE_CHECKING:
    from mlforge.flow.failure import Failure
    from mlforge.flow.online.publish_report import PublishReport, PublishResult
    from mlforge.flow.online.replay_report import ReplayDifference, ReplayReport, ReplayResult

SHOWN = 10
_STYLES = {"published": "green", "unchanged": "dim", "withdrawn": "green", "failed": "red"}


def published(report: PublishReport) -> None:
    """What a publish did: a line a feature, then what failed."""
    heads = columns("*feature", "status", "version", "as of", ">written", ">removed", ">entities/s", ">time")
    table(heads, [_published_row(r) for r in report])
    for result in report:
        if result.resumed:
            say()
            say(Styled(f"{result.feature}: ", "bold"), f"taken up after {result.resumed:,} entities.")
    _failures([(r.feature, r.failure) for r in report if r.failure])
    say()
    counts = [(status, sum(r.status == status for r in report)) for status in _STYLES]
    say(", ".join(f"{n} {status}" for status, n in counts if n) + f" in {spent(report.seconds)}")


def replayed(report: ReplayReport) -> None:
    """How much of what is served is equal, feature by feature, and what is not and why."""
    heads = columns("*feature", "version", "published", ">entities", ">values", ">equal")
    table(heads, [_replayed_row(r) for r in report])
    for result in report:
        if result.differences:
            _differences(result)
    _failures([(r.feature, r.failure) for r in report if r.failure])
    say()
    cells, wrong = sum(r.cells for r in report), sum(len(r.differences) for r in report)
    if not cells:
        say("No value was compared.")
        return
    say(f"{_percent(wrong, cells)} of {cells:,} values are equal" + (f"; {wrong:,} differ." if wrong else "."))


def _published_row(result: PublishResult) -> tuple[Cell, ...]:
    if result.failure:
        return result.feature, Styled("failed", "red"), NONE, NONE, NONE, NONE, NONE, spent(result.seconds)
    rate = f"{result.rate:,.0f}" if result.rate else NONE
    return (
        result.feature, Styled(result.status, _STYLES[result.status]), result.version or NONE,
        _second(result.as_of), f"{result.entities:,}", f"{result.removed:,}", rate, spent(result.seconds),
    )  # fmt: skip


def _replayed_row(result: ReplayResult) -> tuple[Cell, ...]:
    if result.failure:
        return result.feature, NONE, NONE, NONE, NONE, Styled("see below", "red")
    wrong = len(result.differences)
    equal = Styled(_percent(wrong, result.cells), "red" if wrong else "green") if result.cells else NONE
    return (
        result.feature, result.version or NONE, _second(result.published), f"{result.entities:,}",
        f"{result.cells:,}", equal,
    )  # fmt: skip


def _differences(result: ReplayResult) -> None:
    say()
    say(Styled(result.feature, "bold"), f"  as of {_second(result.at)}")
    heads = columns("entity", "column", "served", "in training", "*why")
    table(heads, [_difference_row(d) for d in result.differences[:SHOWN]], indent=2)
    left = len(result.differences) - SHOWN
    if left > 0:
        say(Styled(f"  and {left:,} more", "dim"))


def _difference_row(one: ReplayDifference) -> tuple[Cell, ...]:
    return ", ".join(map(plain, one.entity.values())), one.column, plain(one.served), plain(one.offline), one.why


def _failures(failures: Sequence[tuple[str, Failure]]) -> None:
    for feature, failure in failures:
        say()
        say(Styled(f"{feature}: ", "bold red"), failure.message)
        way_out(failure.hint, failure.where)


def _second(text: str | None) -> str:
    """`2026-01-05T12:00:00.123456Z` as `2026-01-05 12:00:00 UTC`."""
    if text is None:
        return NONE
    return readable(f"{text[:19]}Z")


def _percent(wrong: int, cells: int) -> str:
    """`100 %` only where all are equal."""
    if not wrong:
        return "100 %"
    return f"{min(99.99, 100 * (1 - wrong / cells)):.2f} %"
