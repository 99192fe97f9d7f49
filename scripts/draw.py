"""Draws the house and its ways: `hatch run test:python scripts/draw.py` writes docs/images.

The rooms come from the import contract in pyproject.toml. Each step of a way names the function it stands for; a step
whose function is gone, or has another name, is an error.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
STYLE = """
    @media (prefers-color-scheme: dark) { svg:root { color: #dcdfe6; background: #1c1e26; } }
    .drawing { font: 13px ui-sans-serif, system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    .drawing text { fill: currentColor; }
    .drawing .quiet { opacity: .7; font-size: 12px; }
    .drawing .bold { font-weight: 600; }
    .drawing .mid { text-anchor: middle; }
    .drawing .box { fill: currentColor; fill-opacity: .06; stroke: currentColor; stroke-opacity: .3; }
    .drawing .lane { fill: currentColor; fill-opacity: .03; }
    .drawing .line { stroke: currentColor; stroke-opacity: .55; fill: none; }
"""
WIDTH, GAP = 880, 12


class Step(NamedTuple):
    """One thing that is done: by whom, what, and the function that does it."""

    lane: str
    words: str
    function: str


class Way(NamedTuple):
    """A way through the house: its steps, one after the other."""

    name: str
    title: str
    steps: tuple[Step, ...]

    @property
    def lanes(self) -> list[str]:
        return list(dict.fromkeys(step.lane for step in self.steps))


ENGINE, STORE = "mlforge.plugin.engine.protocol:Engine", "mlforge.plugin.stores:Store"
BUILDING, ONLINE = "mlforge.flow.building", "mlforge.flow.online"
WAYS = (
    Way(
        "way-of-a-build",
        "The way of a build",
        (
            Step("core", "who builds it, and from what", "mlforge.flow.planning.prepare:prepare"),
            Step("core", "is there anything new?", "mlforge.flow.versions.fingerprints:fingerprints"),
            Step("engine", "read the source, late", f"{ENGINE}.scan"),
            Step("engine", "call the function", f"{ENGINE}.apply"),
            Step("engine", "keys and times as they must be", f"{ENGINE}.conform"),
            Step("engine", "every validator in one pass", f"{ENGINE}.check"),
            Step("engine", "windows, or rows as they are", f"{ENGINE}.aggregate"),
            Step("store", "an address no reader sees", f"{STORE}.begin"),
            Step("engine", "write there", f"{ENGINE}.write"),
            Step("core", "decide the version", f"{BUILDING}.commit:commit"),
            Step("store", "metadata, then the pointer", f"{STORE}.commit"),
            Step("core", "tell the observers", "mlforge.plugin.registry:Registry.tell"),
        ),
    ),
    Way(
        "way-of-a-training-set",
        "The way of a training set",
        (
            Step("core", "which features are meant", "mlforge.flow.specs:specs_of"),
            Step("store", "their versions", f"{STORE}.get"),
            Step("core", "the user's frame as a spine", "mlforge.flow.spine:spine_of"),
            Step("core", "its keys and times to the engine", "mlforge.flow.spine:join_to"),
            Step("engine", "the rows known at each time", f"{ENGINE}.asof"),
            Step("core", "the lock: what it was made of", "mlforge.flow.lock:Lock"),
        ),
    ),
    Way(
        "way-of-a-request",
        "The way of a served request",
        (
            Step("server", "take it in", "mlforge_serve.app:App"),
            Step("server", "who asks, and may they?", "mlforge_serve.head:admit"),
            Step("server", "how this combination is read", "mlforge_serve.catalog:Catalog.plan"),
            Step("core", "key values to addresses", f"{ONLINE}.reader:Reader.asked"),
            Step("online store", "all entries in one read", "mlforge.plugin.online_stores:OnlineStore.read"),
            Step("core", "the newest row by now, and its status", f"{ONLINE}.lookup:Lookup"),
            Step("server", "JSON or MessagePack", "mlforge_serve.answers:FORMATS"),
        ),
    ),
)


def rooms(contract: str) -> list[list[str]]:
    """The layers of a contract, the highest first, each with its rooms."""
    linted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in linted["contracts"] if c["id"] == contract)
    return [[room.strip() for room in layer.replace(":", "|").split("|")] for layer in layers]


def first_line(module: str) -> str:
    """The first line of a module's docstring, without its end."""
    return (importlib.import_module(module).__doc__ or "").strip().splitlines()[0].rstrip(".").replace("`", "")


def drawn_rooms(name: str, title: str, contract: str, package: str) -> str:
    """The rooms of a package, one layer above the other, each with its module's first line."""
    body, y = [], GAP
    for layer in rooms(contract):
        width = (WIDTH - 2 * GAP - (len(layer) - 1) * GAP) / len(layer)
        for i, room in enumerate(layer):
            x = GAP + i * (width + GAP)
            body.append(_box(x, y, width, 44 if len(layer) == 1 else 30))
            if len(layer) == 1:
                body.append(_text(x + 14, y + 19, room, "bold"))
                body.append(_text(x + 14, y + 36, first_line(f"{package}.{room}"), "quiet"))
            else:
                body.append(_text(x + width / 2, y + 20, room, "bold mid"))
        y += GAP + (44 if len(layer) == 1 else 30)
    return _svg(name, title, ", then ".join(" and ".join(layer) for layer in rooms(contract)), y, body)


def drawn_way(way: Way) -> str:
    """The steps of a way from top to bottom, each in the lane of who does it."""
    width = (WIDTH - 2 * GAP) / len(way.lanes)
    body = [_lane(GAP + i * width, width, lane, len(way.steps)) for i, lane in enumerate(way.lanes)]
    at: list[tuple[float, float]] = []
    for i, step in enumerate(way.steps):
        x, y = GAP + way.lanes.index(step.lane) * width, 48 + i * 62
        body += [
            _box(x + 8, y, width - 16, 44),
            _text(x + width / 2, y + 19, step.words, "mid"),
            _text(x + width / 2, y + 36, _short(step.function), "quiet mid"),
        ]
        at.append((x + width / 2, y))
    body += [_arrow(a, b) for a, b in pairwise(at)]
    told = "; ".join(f"{s.lane}: {s.words}" for s in way.steps)
    return _svg(way.name, way.title, told, 48 + len(way.steps) * 62, body)


def drawings() -> Mapping[str, str]:
    """Each drawing by the name of its file."""
    for way in WAYS:
        for step in way.steps:
            found(step.function)
    return {
        "rooms.svg": drawn_rooms("rooms", "The rooms of the core; imports run downwards only", "rooms", "mlforge"),
        "verbs.svg": drawn_rooms("verbs", "The rooms of the verbs", "verbs", "mlforge.flow"),
        **{f"{way.name}.svg": drawn_way(way) for way in WAYS},
    }


def found(function: str) -> object:
    """What a step stands for. Raises where it is not there."""
    module, _, path = function.partition(":")
    thing: object = importlib.import_module(module)
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


def _short(function: str) -> str:
    """The module's last word and the name in it; a method's class says enough."""
    module, _, path = function.partition(":")
    return path if "." in path else f"{module.rpartition('.')[2]}.{path}"


def _svg(name: str, title: str, told: str, height: float, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" class="drawing" '
        f'aria-labelledby="{name}-title {name}-text">\n  <title id="{name}-title">{escape(title)}</title>\n'
        f'  <desc id="{name}-text">{escape(told)}.</desc>\n  <style>{STYLE}  </style>\n'
    )
    return head + "".join(f"  {line}\n" for line in body) + "</svg>\n"


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="box" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def _lane(x: float, width: float, lane: str, steps: int) -> str:
    area = f'<rect class="lane" x="{x + 2:g}" y="8" width="{width - 4:g}" height="{32 + steps * 62:g}" rx="8"/>'
    return area + _text(x + width / 2, 28, lane, "bold mid")


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(text)}</text>'


def _arrow(a: tuple[float, float], b: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = (a[0], a[1] + 44), b
    half = (y1 + y2) / 2
    return (
        f'<path class="line" d="M{x1:g} {y1:g} V{half:g} H{x2:g} V{y2 - 2:g} '
        f'M{x2 - 4:g} {y2 - 7:g} L{x2:g} {y2 - 1:g} L{x2 + 4:g} {y2 - 7:g}"/>'
    )


def main() -> None:
    """Write all drawings."""
    for name, drawing in drawings().items():
        (IMAGES / name).write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
