"""Write docs/support.md: what each engine, store and source supports and lacks, as `mlforge plugin check` shows it.

It reads what plugins announce, which the kit holds them to: what one claims is tested, and what it lacks must fail.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlforge.cli.kit import Held
from mlforge.cli.views import supported
from mlforge.plugin.registry import Plugin

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "support.md"
HEAD = """# What supports what

<!-- Made by scripts/support_matrix.py: a change here is lost. -->

What the plugins of this house support, from what they announce of themselves. The planner refuses by it before any work
begins, and the conformance kit holds each plugin to it: what one claims is tested, and what it says it lacks must fail,
or its tests do. `mlforge plugin check` does so with what you have installed, and prints the same of it; `--json` has it
as a document.
"""
ROLES = {"engine": "Engines", "store": "Offline stores", "online store": "Online stores", "source": "Sources"}
ABILITIES = {
    "reads": "reads {}", "writes": "writes {}", "schemes": "reaches {}", "aggregations": "computes {}",
    "formats": "keeps {}", "gives": "gives {}",
}  # fmt: skip
WORDS = {"not_yet": "not yet", "upstream": "not, because of what it is made with", "never": "never"}


def page() -> str:
    """The whole page."""
    brought = [
        one for plugin in supported.document([Held(p) for p in plugins()])["plugins"] for one in plugin["brings"]
    ]
    parts = [_part(role, [one for one in brought if one["role"] == role]) for role in ROLES]
    return HEAD + "".join(parts) + _lacking(brought)


def plugins() -> Iterator[Plugin]:
    """The plugins of the house, by their distributions and entry points, whether they are installed or not."""
    for path in sorted(ROOT.glob("packages/*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for name, module in sorted(project.get("entry-points", {}).get("mlforge", {}).items()):
            yield Plugin(name, project["name"], "", tuple(_announced(path.parent / "src", module)))


def _announced(source: Path, module: str) -> Iterator[Any]:
    """What a module announces. It imports nothing heavy, so that it can be read without what it needs to run."""
    if str(source) not in sys.path:
        sys.path.append(str(source))
    found = importlib.import_module(module)
    for kind in ("engines", "stores", "online_stores", "sources"):
        yield from getattr(found, f"mlforge_{kind}", list)()


def _part(role: str, found: list[dict[str, Any]]) -> str:
    """A table: what there is to be able to do down, who can across."""
    can = [
        {ABILITIES[word].format(f"`{v}`"): "yes" for word, vs in one["supports"].items() for v in vs} for one in found
    ]
    order = [text.partition("{")[0] for text in ABILITIES.values()]
    rows = sorted({row for one in can for row in one}, key=lambda row: (order.index(row.partition("`")[0]), row))
    head = f"\n## {ROLES[role]}\n\n| | {' | '.join(one['name'] for one in found)} |\n|---|{'---|' * len(found)}\n"
    lacks = "".join(f" {len(one['lacks']) or 'nothing'} |" for one in found)
    cells = "".join(f"| {row} | {' | '.join(one.get(row, '–') for one in can)} |\n" for row in rows)
    return head + cells + (f"| lacks |{lacks}\n" if role != "source" else "")


def _lacking(found: list[dict[str, Any]]) -> str:
    """What is lacking: who, what, for how long and why."""
    rows = [
        f"| {one['role']} `{one['name']}` | {ability.replace('_', ' ')} | {WORDS[lack['word']]} | {lack['reason']} |\n"
        for one in found
        for ability, lack in sorted(one["lacks"].items())
    ]
    if not rows:
        return "\n## What is lacking\n\nNothing that the kit asks for.\n"
    return "\n## What is lacking\n\n| who | what | for how long | why |\n|---|---|---|---|\n" + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
