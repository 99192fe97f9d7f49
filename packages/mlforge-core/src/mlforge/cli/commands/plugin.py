"""`mlforge plugin new` and `mlforge plugin check`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mlforge.cli.invocation import Invocation, made_here
from mlforge.cli.options import command as made
from mlforge.cli.options import common_options, json_option

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*")
_LONGEST = 40
_BESIDE = "mlforge-core>=0.9,<1"


class Kind(msgspec.Struct, frozen=True):
    """What can be made: what it is called, what it needs besides the core, to run and for its tests."""

    role: str
    summary: str
    suffix: str = ""
    needs: tuple[str, ...] = ()
    tests: str = "testing"


KINDS = {
    "engine": Kind("engine", "Computes with pyarrow and NumPy, all in memory.", "Engine", ("numpy>=2", "pyarrow>=17")),
    "store": Kind("store", "Versions in a folder, catalogued by SQLite.", "Store"),
    "online-store": Kind("online store", "Entities in one SQLite file.", "Store"),
    "validator": Kind("validator", "Every value looks like an e-mail address.", tests="polars,testing"),
    "metric": Kind("metric", "One sum divided by another.", tests="polars,testing"),
}


class Names(msgspec.Struct, frozen=True):
    """What a plugin's parts are called after its name."""

    words: tuple[str, ...]
    kind: Kind

    @property
    def name(self) -> str:
        return "-".join(self.words)

    @property
    def distribution(self) -> str:
        return f"mlforge-{self.name}"

    @property
    def package(self) -> str:
        return self.distribution.replace("-", "_")

    @property
    def function(self) -> str:
        return "_".join(self.words)

    @property
    def type(self) -> str:
        """The class: `MyStore`; one word `Engine` or `Store` is enough."""
        pascal = "".join(word.capitalize() for word in self.words)
        return pascal if pascal.endswith(self.kind.suffix) else pascal + self.kind.suffix

    @property
    def known_as(self) -> str:
        """The name users write."""
        return {"validator": self.function, "metric": self.type}.get(self.kind.role, self.name)

    def fill(self, text: str) -> str:
        """A template's text with these names."""
        requires = ", ".join(f'"{one}"' for one in (_BESIDE, *self.kind.needs))
        values = {
            "name": self.name,
            "distribution": self.distribution,
            "package": self.package,
            "function": self.function,
            "Class": self.type,
            "summary": self.kind.summary,
            "requires": requires,
            "testing": f'"mlforge-core[{self.kind.tests}]"',
        }
        for word, value in values.items():
            text = text.replace(f"{{{{{word}}}}}", value)
        return text


@click.group(
    "plugin",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=common_options(),
)
@click.pass_context
def command(context: click.Context) -> None:
    """Make a plugin of your own, whose tests are green at once.

    Say which: mlforge plugin new KIND NAME. `mlforge plugin check` holds those that are installed to the kit.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@made("new")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
def new(kind: str, name: str) -> None:
    """Make a plugin whose tests are green at once, to change into yours.

    A folder mlforge-NAME with a distribution: what it is, what it does, tests over the kit and a README.
    """
    names = _names(kind, name)
    folder = _free_folder(names.distribution)
    with made_here(names.distribution):
        for path, text in files(kind, names):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    click.echo(f"Made {names.distribution}/: the {names.kind.role} {names.known_as!r}, and its tests.\n\nNext:\n")
    for step in (f"cd {names.distribution}", 'pip install -e ".[test]"', "pytest"):
        click.echo(f"  {step}")


@made("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@click.pass_context
def check(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Hold the installed plugins to the kit, and show what each supports.

    NAME is a plugin's entry point, as `mlforge plugins` shows it; all if none is given. It needs the kit:
    pip install "mlforge-core[testing]". The exit code is 1 where a plugin fails.
    """
    from mlforge.cli.kit import held
    from mlforge.cli.views import supported

    call = ctx.ensure_object(Invocation)
    found = held(names)
    document = supported.document(found)
    call.answer(document, lambda: supported.shown(document))
    ctx.exit(0 if document["ok"] else 1)


command.add_command(new)
command.add_command(check)


def files(kind: str, names: Names) -> Iterator[tuple[str, str]]:
    """Where below the folder each file goes, and what is in it."""
    root = resources.files("mlforge.cli").joinpath("plugin_template")
    for part in ("common", kind):
        for path, template in _below(root.joinpath(part), ""):
            place = ".gitignore" if path == "gitignore" else path.replace("src/package", f"src/{names.package}")
            yield place, names.fill(template.read_text(encoding="utf-8"))


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    """All templates of a folder, by their paths."""
    for child in sorted(folder.iterdir(), key=lambda c: c.name):
        if child.is_dir():
            yield from _below(child, f"{path}{child.name}/")
        else:
            yield f"{path}{child.name.removesuffix('.txt')}", child


def _names(kind: str, name: str) -> Names:
    """What its parts are called. Raises `Invalid` for a name that cannot be one, `Conflict` for one that is taken."""
    from mlforge.errors import Invalid

    bare = re.sub(r"^mlforge[-_]", "", name)
    if not _NAME.fullmatch(bare) or len(bare) > _LONGEST:
        raise Invalid(
            f"{name!r} cannot be a plugin's name.",
            hint=f"Use letters, digits, - and _, a letter first: mlforge plugin new {kind} my-{kind}",
        )
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", bare)
    names = Names(tuple(part.lower() for part in parts), KINDS[kind])
    if keyword.iskeyword(names.function) or keyword.iskeyword(names.type):
        raise Invalid(f"{name!r} is a word of Python.", hint=f"Add another: mlforge plugin new {kind} my-{name}")
    _refuse_taken(kind, names)
    return names


def _refuse_taken(kind: str, names: Names) -> None:
    from mlforge.errors import Conflict
    from mlforge.plugin.hints import DISTRIBUTIONS, PACKAGES
    from mlforge.plugin.registry import registry

    taken: dict[tuple[str, str], str] = {}
    for plugin in registry().plugins:
        taken |= {(found.role, found.name): plugin.distribution for found in plugin.brings}
        taken |= {("word", word): plugin.distribution for found in plugin.brings for word in _words(found)}
    for role, known in DISTRIBUTIONS.items():
        taken |= {(role, one): distribution for one, distribution in known.items()}
    for claim in ((names.kind.role, names.known_as), ("word", names.type), ("word", names.known_as)):
        if by := taken.get(claim):
            raise Conflict(
                f"{by} brings the {claim[0]} {claim[1]!r} already.",
                hint=f"Take another name: mlforge plugin new {kind} my-{names.name}",
            )
    if names.package in PACKAGES or any(metadata.distributions(name=names.distribution)):
        raise Conflict(
            f"{names.distribution} is another distribution, whose place it would take.",
            hint=f"Take another name: mlforge plugin new {kind} my-{names.name}",
        )


def _words(found: Any) -> tuple[str, ...]:
    from mlforge.plugin.registry import word_of

    word = word_of(found)
    return (word,) if word else ()


def _free_folder(name: str) -> Path:
    from mlforge.errors import Conflict

    folder = Path(name)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise Conflict(f"There is a {name!r} here already, and it is not empty.", hint="Choose another name.")
    return folder
