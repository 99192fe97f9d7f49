"""`mlforge init`."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path

import click

from mlforge.cli.invocation import made_here
from mlforge.cli.options import command as made

FILES = {
    "mlforge.yaml": "mlforge.yaml",
    "definitions.py": "definitions.py.txt",
    "features.py": "features.py.txt",
    "train.py": "train.py.txt",
    "README.md": "README.md.txt",
    ".gitignore": "gitignore.txt",
}
"""The project's files and the templates they are made from."""

STEPS = ("mlforge build", "mlforge list", "mlforge inspect user_spend", "python train.py")
"""What to do in the new project."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_CATEGORIES = {"groceries": 34.0, "fuel": 52.0, "books": 18.0, "travel": 240.0}


@made("init")
@click.argument("name")
@click.option("--engine", metavar="NAME", help="The engine of the dev profile; the installed one, or polars.")
def command(name: str, engine: str | None) -> None:
    """Make a new project that builds at once.

    A folder NAME with two features over a small file of purchases, a profile, and a script that makes training data.
    """
    folder, chosen = _free_folder(name), engine or _installed_engine()
    missing = _missing(chosen)
    with made_here(name):
        folder.joinpath("data").mkdir(parents=True)
        for path, template in FILES.items():
            folder.joinpath(path).write_text(_filled(template, name, chosen), encoding="utf-8")
        folder.joinpath("data", "purchases.csv").write_text(purchases(), encoding="utf-8")
    click.echo(f"Made {name}/ with two features over {name}/data/purchases.csv.\n\nNext:\n")
    for step in (*missing, f"cd {name}", *STEPS):
        click.echo(f"  {step}")


def purchases(seed: int = 7) -> str:
    """A few hundred purchases of eight weeks as CSV: the same ones every time."""
    rows = sorted(_events(random.Random(seed)), key=itemgetter(1))  # noqa: S311
    return "\n".join(map(",".join, [("user_id", "event_time", "category", "amount"), *rows, ()]))


def _events(chance: random.Random) -> Iterator[tuple[str, str, str, str]]:
    """Each user buys at a pace of their own, by day rather than by night."""
    start, categories = datetime(2026, 1, 5, tzinfo=UTC), list(_CATEGORIES)
    for number in range(1, 26):
        pace, at = chance.uniform(1.5, 8.0), start
        while (at := at + timedelta(days=chance.expovariate(1 / pace))) < start + timedelta(weeks=8):
            when = at.replace(hour=7 + int(chance.triangular(0, 15, 10)), microsecond=0)
            category = categories[min(int(chance.expovariate(0.9)), 3)]
            amount = chance.lognormvariate(0.0, 0.5) * _CATEGORIES[category]
            yield f"u{number:02}", when.strftime("%Y-%m-%dT%H:%M:%SZ"), category, f"{amount:.2f}"


def _free_folder(name: str) -> Path:
    from mlforge.errors import Conflict, Invalid

    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot be a project's name.",
            hint="Use letters, digits, _ and -, starting with a letter: mlforge init my_features",
        )
    folder = Path(name)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise Conflict(f"There is a {name!r} here already, and it is not empty.", hint="Choose another name.")
    return folder


def _installed_engine() -> str:
    from mlforge.errors import NotInstalled
    from mlforge.plugin.hints import DEFAULT_ENGINE
    from mlforge.plugin.registry import registry

    try:
        return registry().default_engine()
    except NotInstalled:
        return DEFAULT_ENGINE


def _filled(template: str, name: str, engine: str) -> str:
    text = resources.files("mlforge.cli").joinpath("template", template).read_text(encoding="utf-8")
    return text.replace("{{name}}", name).replace("{{engine}}", engine)


def _missing(engine: str) -> list[str]:
    """How to install what the steps need and is not there. Raises `Unknown` for an engine that nobody knows."""
    from mlforge.errors import NotInstalled
    from mlforge.plugin.descriptors import EngineDescriptor
    from mlforge.plugin.hints import DEFAULT_ENGINE, install_hint
    from mlforge.plugin.registry import registry

    lines = []
    try:
        registry().get(EngineDescriptor, engine)
    except NotInstalled:
        lines = [hint for hint in [install_hint("engine", engine)] if hint]
    needs_polars = engine != DEFAULT_ENGINE and find_spec("polars") is None
    return [*lines, *(["pip install polars"] if needs_polars else [])]
