"""Write tests/public_api.txt: every name that others may rely on, with its signature.

A line that is not there any more, or is another, breaks somebody's code: see the policy in CONTRIBUTING.md.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import click

from mlforge.cli.roster import COMMANDS, core_command
from mlforge.plugin import hookspecs
from mlforge.plugin.config import Config
from mlforge.plugin.registry import registry

PAGE = Path(__file__).resolve().parent.parent / "tests" / "public_api.txt"
ROOMS = ("mlforge", "mlforge.errors", "mlforge.metrics", "mlforge.validators", "mlforge.plugin", "mlforge.testing")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_OWN = ("mlforge", "click")


def snapshot() -> str:
    """The whole text: a section for each module, then hooks, what plugins bring, and the command line."""
    sections = {room: list(_room(room)) for room in ROOMS}
    sections["hooks"] = [
        f"{name}{_signature(value)}"
        for name, value in sorted(vars(hookspecs).items())
        if name.startswith("mlforge_") and callable(value)
    ]
    sections["plugins"] = sorted(
        line for plugin in registry().plugins if "toy" not in plugin.distribution for line in _brought(plugin.brings)
    )
    sections["command line"] = [line for name in sorted(COMMANDS) for line in _command(name, core_command(name))]
    return "\n".join(f"[{title}]\n" + "".join(f"{line}\n" for line in lines) for title, lines in sections.items())


def _room(name: str) -> Iterator[str]:
    room = importlib.import_module(name)
    exported = getattr(room, "__all__", None) or [
        n for n, v in vars(room).items() if not n.startswith("_") and getattr(v, "__module__", None) == name
    ]
    for word in sorted(exported):
        if word != "__version__":
            yield from _described(word, getattr(room, word))


def _described(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}{_signature(value)}"
        yield from _members(name, value)
    elif callable(value):
        yield f"{name}{_signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def _members(name: str, made: type[Any]) -> Iterator[str]:
    if issubclass(made, Enum):
        yield from (f"{name}.{member}" for member in made.__members__)
    fields = set(getattr(made, "__struct_fields__", ()))
    for word, value in sorted(inspect.getmembers(made)):
        if word.startswith("_") or word in fields or word in {"with_traceback", "add_note", "args"}:
            continue
        if inspect.isfunction(value) or inspect.ismethod(value):
            yield f"{name}.{word}{_signature(value)}"
        elif isinstance(value, property):
            yield f"{name}.{word}"


def _signature(value: Any) -> str:
    """Parameters with their types and defaults; nothing where Python cannot tell."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    shown = [_parameter(p) for p in found.parameters.values() if p.name != "self"]
    first = next((i for i, p in enumerate(_given(found)) if p.kind is p.KEYWORD_ONLY), None)
    if first is not None and not any(p.kind is p.VAR_POSITIONAL for p in _given(found)):
        shown.insert(first, "*")
    return f"({', '.join(shown)})"


def _given(found: inspect.Signature) -> list[inspect.Parameter]:
    return [p for p in found.parameters.values() if p.name != "self"]


def _parameter(one: inspect.Parameter) -> str:
    star = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
    typed = "" if one.annotation is one.empty else f": {_type(one.annotation)}"
    default = "" if one.default is one.empty else f" = {_written(one.default)}"
    return f"{star}{one.name}{typed}{default}"


def _written(value: Any) -> str:
    """A default, the same in every process."""
    if isinstance(value, frozenset):
        return f"frozenset({', '.join(sorted(map(repr, value)))})"
    return _ADDRESS.sub("", repr(value))


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _brought(found: Any) -> Iterator[str]:
    for one in found:
        yield f"{one.role} {one.name}"
        config = getattr(one, "config", None)
        if isinstance(config, type) and issubclass(config, Config):
            yield f"class {config.__name__}{_signature(config)}"


def _command(path: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for word, inner in sorted(command.commands.items()):
            yield from _command(f"{path} {word}", inner)
        return
    yield f"mlforge {path} {' '.join(map(_words_of, command.params))}"


def _words_of(param: click.Parameter) -> str:
    return str(param.name) if isinstance(param, click.Argument) else "|".join((*param.opts, *param.secondary_opts))


if __name__ == "__main__":
    PAGE.write_text(snapshot(), encoding="utf-8")
