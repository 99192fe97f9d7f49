"""Where a feature comes from and who uses it, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mlforge.cli.catalog.links import Links
from mlforge.flow.discovering.book import Page
from mlforge.model.html import Markup, html, joined

WIDTH, HEIGHT, ACROSS, DOWN, MOST, LETTERS = 190, 46, 56, 14, 8, 25


class Box(NamedTuple):
    """A box of the drawing: what it is, its name, and where that is described."""

    what: str
    name: str
    href: str | None = None


def steps(page: Page, links: Links) -> list[list[Box]]:
    """What a feature is made of, the feature, and what uses it: as far as that is known, a list for each step."""
    made_of = [Box("source", page.card.source, links.of("sources", page.card.source))] if page.card.source else []
    if page.request is not None:
        made_of = [Box("feature", spec.name, links.feature(spec.name)) for spec in page.request.uses]
        made_of += [Box("input", f"{name} {dtype}") for name, dtype in page.request.inputs.items()]
    function = [Box("function", f"{page.feature.function.__name__}()", "#function")] if page.feature else []
    this = [Box("feature", f"{page.name} {page.card.latest}" if page.card.latest else page.name)]
    users = [Box("set", name) for name in page.sets]
    users += [Box("request feature", name, links.feature(name)) for name in page.used_by]
    return [step for step in (_cut(made_of), function, this, _cut(users)) if step]


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
        html('<path d="M{} {}h{}"/>' if a[1] == b[1] else '<path d="M{} {}C{} {} {} {} {} {}"/>', *_line(a, b))
        for left, right in pairwise(placed)
        for a in left
        for b in right
    ]
    boxes = [_box(x, y, box, root) for step in placed for x, y, box in step]
    said = "; then ".join(", ".join(f"{box.what} {box.name}" for box in step) for step in found)
    return html(
        '<svg class="lineage" viewBox="-2 -2 {} {}" width="{}" role="group" aria-label="Lineage: {}">'
        '<g class="lines" aria-hidden="true">{}</g>{}</svg>',
        width + 4, height + 4, width + 4, said, joined(lines), joined(boxes),
    )  # fmt: skip


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
    drawn = html(
        '<title>{} {}</title><rect x="{}" y="{}" width="{}" height="{}" rx="8"/>'
        '<text class="what" x="{}" y="{}">{}</text><text x="{}" y="{}">{}</text>',
        box.what, box.name, x, y, WIDTH, HEIGHT, x + 12, y + 18, box.what, x + 12, y + 36, short,
    )  # fmt: skip
    if box.href is None:
        return html("<g>{}</g>", drawn)
    return html('<a href="{}">{}</a>', box.href if box.href.startswith("#") else root + box.href, drawn)
