"""Tables, facts and progress on a terminal: the only module that knows rich.

On a terminal tables fit its width; in a pipe or a file nothing is wrapped or cut, so that lines stay lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

from mlforge.cli.again import again
from mlforge.model.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mlforge.flow.progress import Progress, Tell

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
UNBOUND = 100_000
GAP = 2
LEAST = 18
STILL = 10.0
"""After how many seconds a feature that is being built is told of again, where there is no terminal."""


class Styled(NamedTuple):
    """A text in a rich style, such as `bold` or `red`."""

    text: str
    style: str


Cell = str | Styled


class ColumnHead(NamedTuple):
    """The head of a table's column. One that wraps gives way where the terminal is too narrow for all."""

    header: str
    align: Literal["left", "right"] = "left"
    wraps: bool = False


def columns(*headers: str) -> list[ColumnHead]:
    """Columns by their headers: `>rows` is aligned to the right, `*why` wraps."""
    return [ColumnHead(h.lstrip(">*"), "right" if h[:1] == ">" else "left", h[:1] == "*") for h in headers]


def say(*parts: Cell) -> None:
    """A line on stdout."""
    _console(sys.stdout).print(_text(*parts))


def table(heads: Sequence[ColumnHead], rows: Iterable[Sequence[Cell]], indent: int = 0) -> None:
    """Rows under headers; one below the other as `name value` where the terminal is too narrow for a table."""
    found = [list(map(_cell, row)) for row in rows]
    console = _console(sys.stdout)
    if sum(_least_widths(heads, found)) + GAP * (len(heads) - 1) + indent > console.width:
        _records(console, heads, found, indent)
    else:
        _print(console, _grid(heads, found), indent)


def facts(pairs: Iterable[tuple[str, Cell]], indent: int = 2) -> None:
    """Names and what they stand for, one pair a line."""
    from rich.table import Table

    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(visible(name, one_line=True), _cell(value))
    _print(_console(sys.stdout), grid, indent)


def way_out(hint: str | None, *where: str | None) -> None:
    """What to do about a failure, and the user's lines that had part in it."""
    if hint:
        say(Styled("Hint: ", "cyan"), again(hint))
    for line in dict.fromkeys(where):
        if line:
            say(Styled("Where: ", "cyan"), line)


def fitting(headers: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 0) -> int:
    """How many of these columns fit beside each other, from the left."""
    from rich.cells import cell_len

    room = _console(sys.stdout).width - indent
    for count, column in enumerate(zip(headers, *rows, strict=True)):
        room -= max(map(cell_len, column)) + GAP
        if room < 0:
            return max(count, 1)
    return len(headers)


@contextmanager
def working(loudness: int = 0) -> Iterator[Tell]:
    """Say on stderr what is going on: one line that moves on a terminal; else a line for each feature.

    Args:
        loudness: Below zero: say nothing. Above: without a terminal, a line for each step.
    """
    started = perf_counter()
    if loudness < 0:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _moving(started) as tell:
            yield tell
    else:
        yield _telling(started, STILL if loudness == 0 else 0.0)


def _telling(started: float, still: float) -> Tell:
    """A line where a feature is begun, and of one that was begun where so many seconds have passed since the last.

    Of what is told piece by piece, the last one is enough where no time has to pass.
    """
    told: list[tuple[str, float]] = []

    def tell(at: Progress) -> None:
        now = perf_counter()
        begun = told and told[-1][0] == at.feature
        if (begun and now - told[-1][1] < still) or (not still and at.sent != at.bytes):
            return
        told[:] = [(at.feature, now)]
        print(worded(at, now - started), file=sys.stderr, flush=True)  # noqa: T201

    return tell


def _sent(sent: int, total: int) -> str:
    """`24 of 80 MB`, `3 of 17 kB`."""
    unit, name = (1_000_000, "MB") if total >= 10_000_000 else (1_000, "kB")
    return f"{sent / unit:,.0f} of {total / unit:,.0f} {name}"


def worded(at: Progress, seconds: float) -> str:
    """`user_spend: computing 1,234,567 rows … 3.2 s`, `user_spend: uploading 24 of 80 MB … 4.0 s`."""
    rows = "" if at.rows is None else f" {at.rows:,} rows"
    sent = "" if at.sent is None or at.bytes is None else f" {_sent(at.sent, at.bytes)}"
    return f"{visible(at.feature)}: {visible(at.stage)}{rows}{sent} … {seconds:.1f} s"


@contextmanager
def _moving(started: float) -> Iterator[Tell]:
    from rich.live import Live
    from rich.text import Text

    now: list[Progress] = []

    def line() -> Text:
        turn = FRAMES[int(perf_counter() * 10) % len(FRAMES)]
        words = worded(now[-1], perf_counter() - started) if now else "starting …"
        return Text.assemble((turn, "cyan"), " ", words, no_wrap=True, overflow="ellipsis")

    with Live(get_renderable=line, console=_console(sys.stderr), transient=True, refresh_per_second=10):
        yield now.append


def _console(file: TextIO) -> Console:
    from rich.console import Console

    bound = file.isatty() or "COLUMNS" in os.environ
    console = Console(file=file, width=None if bound else UNBOUND, highlight=False, markup=False, emoji=False)
    console.width = max(console.width, LEAST)  # COLUMNS may say 1, or -5
    return console


def _cell(part: Cell) -> Text:
    """A text that stays in its row."""
    text, style = part if isinstance(part, Styled) else (part, "")
    return _text(Styled(visible(text, one_line=True), style))


def _text(*parts: Cell) -> Text:
    from rich.text import Text

    return Text.assemble(*(visible(p) if isinstance(p, str) else Styled(visible(p.text), p.style) for p in parts))


def _grid(heads: Sequence[ColumnHead], rows: Sequence[Sequence[Text]]) -> Table:
    from rich.table import Table

    grid = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
    for column, least in zip(heads, _least_widths(heads, rows), strict=True):
        grid.add_column(column.header, justify=column.align, no_wrap=not column.wraps, overflow="fold", min_width=least)
    for row in rows:
        grid.add_row(*row)
    return grid


def _least_widths(heads: Sequence[ColumnHead], rows: Sequence[Sequence[Text]]) -> list[int]:
    from rich.cells import cell_len

    cells = zip(*rows, strict=True) if rows else [()] * len(heads)
    natural = [max([cell_len(c.header), *(t.cell_len for t in texts)]) for c, texts in zip(heads, cells, strict=True)]
    return [min(LEAST, n) if c.wraps else n for c, n in zip(heads, natural, strict=True)]


def _records(console: Console, heads: Sequence[ColumnHead], rows: Sequence[Sequence[Text]], indent: int) -> None:
    from rich.table import Table

    for number, row in enumerate(rows):
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for column, cell in zip(heads, row, strict=True):
            if cell.plain:
                grid.add_row(column.header, cell)
        if number:
            console.print()
        _print(console, grid, indent)


def _print(console: Console, grid: Table, indent: int) -> None:
    from rich.padding import Padding

    with console.capture() as printed:
        console.print(Padding(grid, (0, 0, 0, indent), expand=False))
    lines = (line.rstrip() for line in printed.get().splitlines())
    console.file.write("".join(f"{line}\n" for line in lines))
