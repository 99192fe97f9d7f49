"""Which commands there are: the core's in a table, the plugins' by their announcement. Nothing heavy is imported."""

from __future__ import annotations

from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

import click

COMMANDS = {
    "init": "Make a new project that builds at once.",
    "build": "Compute features, check them and keep them as versions.",
    "plan": "Show what the definitions would change, before anything is built.",
    "publish": "Bring built versions into the online store.",
    "unpublish": "Take versions away that were published beside what is served.",
    "replay": "Compare what is served with what training would see, cell by cell.",
    "validate": "Compute features and check what they promise, and write nothing.",
    "lock": "Keep which versions a model is trained with, or check them.",
    "list": "List features, sets, entities, sources, versions or tags.",
    "inspect": "Show all there is to know about a feature, a set, an entity or a source.",
    "search": "Find features by what they are about, best first.",
    "catalog": "Make pages about every feature, for a browser or as Markdown.",
    "explain": "Show what a value is made of, and whether recomputing gives the same.",
    "versions": "List the versions of a feature, and why each was made.",
    "diff": "Show what changed between two versions of a feature.",
    "quality": "Show what the rows of a version are like.",
    "drift": "Show whether the values of a feature have drifted.",
    "rollback": "Make an older version of a feature the one that readers get.",
    "manifest": "Show every built feature of the store at a glance.",
    "store": "Verify what the store keeps, remove what dead builds left, or copy it.",
    "profile": "Show the profiles, which one is in use and what it sets.",
    "plugins": "Show what is installed, what it brings, and what is broken.",
    "plugin": "Make a plugin of your own, whose tests are green at once.",
    "completion": "Print what makes a shell complete commands, features and versions.",
    "help": "Show what a command does and takes.",
}
"""The core's commands; each is the `command` of a module of its own in `mlforge.cli.commands`."""

_HOOK = b"mlforge_commands"


def core_command(name: str) -> click.Command:
    """A command of the core, imported."""
    command: click.Command = import_module(f"mlforge.cli.commands.{name}").command
    return command


def plugin_commands() -> dict[str, str]:
    """What plugins add to `COMMANDS`.

    It is read from their text where they say it plainly: loading them would double the time of `--help`.
    """
    texts = [_text(e.module) for e in metadata.entry_points(group="mlforge")]
    told = [_told(text) for text in texts if text is None or _HOOK in text or b"import *" in text]
    pairs = [pair for found in told if found for pair in found.items()]
    if None in told or len(dict(pairs)) < len(pairs):  # unknown, or claimed twice
        return _loaded_commands()
    return {name: summary for name, summary in pairs if name not in COMMANDS}


def _loaded_commands() -> dict[str, str]:
    from mlforge.plugin.descriptors import Command
    from mlforge.plugin.registry import registry

    return {n: c.summary for n, c in registry().of(Command).items() if n not in COMMANDS}


def plugin_command(name: str) -> click.Command:
    """A command that a plugin announces, imported.

    Raises:
        NotInstalled: A known distribution would bring it.
        Unknown: Nobody does.
        PluginFailed: It cannot be imported, or is no command.
    """
    from mlforge.cli.options import add_common_options
    from mlforge.errors import PluginFailed
    from mlforge.plugin.config import load
    from mlforge.plugin.descriptors import Command
    from mlforge.plugin.registry import registry

    found = load(registry().get(Command, name).target, f"the command {name!r}")
    if not isinstance(found, click.Command):
        raise PluginFailed(f"The command {name!r} is {found!r}, no click command.", hint="Tell the plugin's authors.")
    return add_common_options(found)


def _text(module: str) -> bytes | None:
    """A module's text; None where there is none to read."""
    try:
        spec = find_spec(module)
        return Path(spec.origin or "").read_bytes() if spec else b""
    except (ImportError, OSError, ValueError):
        return None


def _told(text: bytes | None) -> dict[str, str] | None:
    """The commands that a module's text makes, by name, with their summaries; None where it has to be run to know."""
    import ast

    try:
        calls = [n for n in ast.walk(ast.parse(text or b"")) if isinstance(n, ast.Call)]
    except (SyntaxError, ValueError):
        return None
    made = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "Command"]
    said = [{k.arg: k.value for k in n.keywords} for n in made]
    found = {}
    for one in said:
        name, summary, api = (one.get(word) for word in ("name", "summary", "api"))
        if not (isinstance(name, ast.Constant) and isinstance(summary, ast.Constant) and isinstance(api, ast.Name)):
            return None
        found[str(name.value)] = str(summary.value)
    return found or None
