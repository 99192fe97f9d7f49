"""Where a feature comes from and who uses it, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mlforge.cli.catalog.links import Links
from mlforge.cli.views.traced import made_of, reads
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined
from mlforge.model.lineage import ColumnLineage, Lineage

WIDTH, HEIGHT, ACROSS, DOWN, MOST, LETTERS = 176, 46, 44, 14, 8, 22
_BOX = (
    f"<{{}} transform=translate({{}},{{}})>{{}}<rect width={WIDTH} height={HEIGHT} rx=8 />"
    "<text class=what x=12 y=18>{}</text><text x=12 y=36>{}</text></{}>"
)


class Box(NamedTuple):
    """A box of the drawing: what it is, its name, and where that is described."""

    what: str
    name: str
    href: str | None = None


class Origin(NamedTuple):
    """A column and where it comes from, in words."""

    name: str
    made: str
    of: str
    ends: str


def steps(page: Page, links: Links) -> list[list[Box]]:
    """What a feature is made of, the feature, and what uses it: as far as that is known, a list for each step."""
    roots = [Box("source", page.card.source, links.of("sources", page.card.source))] if page.card.source else []
    if page.request is not None:
        roots = [Box("feature", spec.name, links.feature(spec.name)) for spec in page.request.uses]
        roots += [Box("input", f"{name} {dtype}") for name, dtype in page.request.inputs.items()]
    called = page.lineage.function if page.lineage else ""
    function = [Box("function", f"{called}()", "#function" if page.feature else None)] if called else []
    this = [Box("feature", f"{page.name} {page.card.latest}" if page.card.latest else page.name)]
    read = [] if page.request is not None else [Box("column", name, "#lineage") for name in _read(page)]
    served = [Box("served", f"{page.served.version} of {page.served.as_of[:16]}")] if page.served else []
    users = [Box("set", name) for name in page.sets]
    users += [Box("request feature", name, links.feature(name)) for name in page.used_by]
    return [step for step in (_cut(roots), _cut(read), function, this, _cut([*served, *users])) if step]


def drawing(page: Page, links: Links, root: str) -> Markup:
    """The steps from left to right as SVG, with links."""
    found = steps(page, links)
    most = max(map(len, found))
    width, height = len(found) * (WIDTH + ACROSS) - ACROSS, most * (HEIGHT + DOWN) - DOWN
    placed = [
        [(x * (WIDTH + ACROSS), _top(y, len(step), height), box) for y, box in enumerate(step)]
        for x, step in enumerate(found)
    ]
    lines = [
        html("M{} {}h{}" if a[1] == b[1] else "M{} {}C{} {} {} {} {} {}", *map(_number, _line(a, b)))
        for left, right in pairwise(placed)
        for a in left
        for b in right
    ]
    boxes = [_box(x, y, box, root) for step in placed for x, y, box in step]
    said = "; then ".join(", ".join(f"{box.what} {box.name}" for box in step) for step in found)
    return html(
        '<svg class=lineage viewBox="-2 -2 {} {}" width={} role=group aria-label="Lineage: {}">'
        '<path aria-hidden=true d="{}"/>{}</svg>',
        width + 4, height + 4, width + 4, said, joined(lines), joined(boxes),
    )  # fmt: skip


def origins(page: Page) -> list[Origin]:
    """Each column with what it is, what it is made of, and where that comes from in the end."""
    found = page.lineage
    if found is None:
        return []
    return [Origin(c.name, c.made, made_of(c), _ends(found, c)) for c in found.columns]


def untold(page: Page) -> str:
    """What is not told, in a sentence; empty where all is."""
    found = page.lineage
    if found is None or not found.untold:
        return ""
    if any(c.made == "unknown" for c in found.returned):
        return "Which columns of the source these are is told by the next build."
    return f"Of what {found.function}() makes {', '.join(found.untold)} is not told."


def _ends(lineage: Lineage, column: ColumnLineage) -> str:
    ends = lineage.origins(column.name)
    return ", ".join(
        dict.fromkeys(f"the function's {reads([e])}" if e.place == "function" else reads([e]) for e in ends)
    )


def _read(page: Page) -> list[str]:
    """The columns of the source that something is told to read."""
    returned = page.lineage.returned if page.lineage else ()
    return list(dict.fromkeys(read.column for column in returned for read in column.reads))


def _cut(boxes: Sequence[Box]) -> list[Box]:
    more = len(boxes) - MOST
    return list(boxes) if more <= 0 else [*boxes[: MOST - 1], Box("and", f"{more + 1} more")]


def _top(place: int, count: int, height: int) -> float:
    whole = count * (HEIGHT + DOWN) - DOWN
    return (height - whole) / 2 + place * (HEIGHT + DOWN)


def _line(a: tuple[float, float, Box], b: tuple[float, float, Box]) -> tuple[float, ...]:
    x, y, end, to = a[0] + WIDTH, a[1] + HEIGHT / 2, b[0], b[1] + HEIGHT / 2
    middle = (x + end) / 2
    return (x, y, end - x) if y == to else (x, y, middle, y, middle, to, end, to)


def _box(x: float, y: float, box: Box, root: str) -> Markup:
    short = box.name if len(box.name) <= LETTERS else f"{box.name[: LETTERS - 1]}…"
    to = root + box.href if box.href and not box.href.startswith("#") else box.href
    tag = html('a href="{}"', to) if to else Markup("g")
    whole = html("<title>{} {}</title>", box.what, box.name) if short != box.name else Markup()
    return html(_BOX, tag, _number(x), _number(y), whole, box.what, short, tag[0])


def _number(value: float) -> Markup:
    return Markup(f"{value:g}")
