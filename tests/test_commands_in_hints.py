"""Whatever the house tells people to type exists: commands and options, distributions and extras, calls."""

from __future__ import annotations

import ast
import inspect
import re
import runpy
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

import mlforge as mlf
from mlforge.cli.app import cli
from mlforge.plugin.descriptors import (
    Command,
    EngineDescriptor,
    ObserverDescriptor,
    OnlineStoreDescriptor,
    SourceDescriptor,
    StoreDescriptor,
)
from mlforge.plugin.hints import DISTRIBUTIONS
from mlforge.plugin.registry import registry

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [p for p in sorted(ROOT.glob("packages/*/src/**/*")) if p.suffix in {".py", ".txt"}]
OTHERS = {"polars", "tzdata", "pyarrow", "hatch", "scikit-learn", "scikit-image", "hypothesis", "pytest", "pyspark"}
"""Distributions of others that people are told to install."""
HOLE = "\N{WHITE SQUARE}"
COMMAND = re.compile(r"\bmlforge ((?:--?[a-z-]+ )*)([a-z][a-z-]*)((?: [^\s`.,;)]+)*)")
PIP = re.compile(r"pip install ((?:--?[a-zA-Z]+ )?)[\"']?([\w.-]+(?:\[[\w,-]+\])?|" + HOLE + r")")
CALL = re.compile(r"\b(?:mlf\.)?([A-Z]\w+)\(")
CALLED = set(mlf.__all__) - {"Feature", "BuildReport", "PublishReport"}  # these are shown as they print
PROSE = {"is", "was", "has", "and", "that", "does", "reads", "plans", "raises", "writes", "in", "makes", "keeps", "of"}


class Said(NamedTuple):
    """A text of the source, and where it stands."""

    place: str
    text: str


def texts() -> Iterator[Said]:
    """Every text that the code of the house holds; what it fills in is a hole."""
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        if path.suffix != ".py":
            yield Said(where, path.read_text(encoding="utf-8"))
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (str(v.value) if isinstance(v, ast.Constant) else HOLE for v in node.values)
                yield Said(f"{where}:{node.lineno}", "".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                yield Said(f"{where}:{node.lineno}", node.value)


@cache
def said() -> list[Said]:
    """The same, read once."""
    return list(texts())


def options(command: click.Command) -> set[str]:
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"-h", "--help"}


def test_every_command_that_is_named_is_there_with_its_options() -> None:
    context, found, wrong = click.Context(cli), 0, []
    for place, text in said():
        for before, name, after in COMMAND.findall(text):
            if name in PROSE or f"mlforge {name}" not in text:
                continue
            command = cli.get_command(context, name)
            if command is None:
                if before or f"`mlforge {name}" in text or re.search(rf": mlforge {name}", text):
                    wrong.append(f"{place}: mlforge {name}")
                continue
            found += 1
            if isinstance(command, click.Group) and (verb := command.get_command(context, (after.split() or [""])[0])):
                command = verb
            given = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", after)) | set(before.split())
            if unknown := given - options(command):
                wrong.append(f"{place}: mlforge {name} {unknown}")
    assert wrong == []
    assert found > 30


def test_every_distribution_that_is_named_is_there_with_its_extras() -> None:
    found, wrong = 0, []
    for place, text in said():
        for _, wanted in PIP.findall(text):
            found += 1
            name, _, extras = wanted.rstrip("]").partition("[")
            pyproject = ROOT / "packages" / name / "pyproject.toml"
            if wanted == HOLE or name in OTHERS or name == ".":  # where one stands, with what its tests need
                continue
            known = tomllib.loads(pyproject.read_text())["project"] if pyproject.is_file() else None
            there = (known or {}).get("optional-dependencies", {})
            if known is None or not {e for e in extras.split(",") if e} <= set(there):
                wrong.append(f"{place}: {wanted}")
    assert wrong == []
    assert found > 3


KINDS: dict[str, Any] = {
    "source": SourceDescriptor,
    "engine": EngineDescriptor, "store": StoreDescriptor, "online store": OnlineStoreDescriptor, "command": Command,
    "observer": ObserverDescriptor,
}  # fmt: skip


def test_a_distribution_brings_what_it_is_recommended_for() -> None:
    brought = {(d.role, d.name): p.distribution for p in registry().plugins for d in p.brings}
    apart = runpy.run_path(str(ROOT / "packages/mlforge-spark/src/mlforge_spark/plugin.py"))  # it is not installed here
    brought |= {(d.role, d.name): "mlforge-spark" for d in apart["mlforge_engines"]()}
    for role, names in DISTRIBUTIONS.items():
        for name, distribution in names.items():
            if role == "word" and distribution == "mlforge-spark":
                assert name in apart
            elif role == "word":
                word = getattr(mlf, name)  # a class, or a module
                module = getattr(word, "__module__", None) or word.__name__
                assert module.partition(".")[0] == distribution.replace("-", "_")
            else:
                assert brought[KINDS[role].role, name] == distribution.partition("[")[0]


def test_what_a_distribution_of_ours_brings_is_recommended_where_it_is_not_installed() -> None:
    ours = [p for p in registry().plugins if (ROOT / "packages" / p.distribution).is_dir()]
    kinds = {kind.role: role for role, kind in KINDS.items()}
    plugins = [p for p in ours if p.distribution != "mlforge-core"]
    brought = {(kinds[d.role], d.name) for p in plugins for d in p.brings if d.role in kinds}
    assert {(role, name) for role, name in brought if name not in DISTRIBUTIONS.get(role, {})} == set()
    assert ("command", "ui") in brought


def test_every_call_that_is_shown_has_the_keywords_that_it_shows() -> None:
    found, wrong = 0, []
    for place, text in (s for s in said() if "model/spelling.py" not in s.place):  # which shows what does not fit
        for match in CALL.finditer(text):
            word = (
                getattr(mlf, match[1], None) if match[1] in CALLED or match[1].endswith(("Store", "Engine")) else None
            )
            given = _keywords(text[match.start() :]) if callable(word) else None
            if given is None:
                continue
            found += 1
            known = set(inspect.signature(word).parameters) | set(getattr(word, "__struct_fields__", ()))
            known |= {"name", "description", "unit", "where"} if match[1] in mlf.metrics.__all__ else set()
            if unknown := given - known - {"details"}:
                wrong.append(f"{place}: {match[1]} {unknown}")
    assert wrong == []
    assert found > 40


def _keywords(text: str) -> set[str] | None:
    """The keywords of the call that a text begins with; None where it is none that parses."""
    depth = end = 0
    for letter in text:
        depth, end = depth + {"(": 1, ")": -1}.get(letter, 0), end + 1
        if letter == ")" and depth == 0:
            break
    try:
        call = ast.parse(text[:end].replace("…", "...").replace(HOLE, "0"), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return {k.arg for k in call.keywords if k.arg} if isinstance(call, ast.Call) else None


@pytest.mark.parametrize("text", ["pip install mlforge-core[s3]", "pip install mlforge-spark"])
def test_what_is_not_there_would_be_found(text: str) -> None:
    ((_, wanted),) = PIP.findall(text)
    assert wanted in {"mlforge-core[s3]", "mlforge-spark"}
