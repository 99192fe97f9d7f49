"""The names of a project at a glance: of the manifest, and of the definitions' text, which is not run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from mlforge.cli.kept import store_by_profile
from mlforge.errors import MlforgeError
from mlforge.model.meta import Manifest, ManifestEntry
from mlforge.plugin import layout
from mlforge.plugin.config import StoreConfig
from mlforge.project.profiles import read_profiles
from mlforge.project.project import find_root

FILES, BYTES = 200, 500_000
"""How many files are looked into at most, and how large one may be."""


class Known(msgspec.Struct, frozen=True):
    """Names, and the versions of each feature, oldest first."""

    features: tuple[str, ...] = ()
    versions: dict[str, tuple[str, ...]] = {}
    tags: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class Said(NamedTuple):
    """What a text defines: a kind, which is `feature`, `set` or `tag`, and a name."""

    kind: str
    name: str


def known(here: Path, profile: str | None) -> Known:
    """What there is, as far as the profile's folder and the files beside it tell."""
    root = find_root(here)
    file = read_profiles(root)
    said = set(_said(root))
    entries = _entries(root, profile)
    tags = {tag for entry in entries.values() for tag in entry.tags} | {s.name for s in said if s.kind == "tag"}
    return Known(
        tuple({**entries, **{s.name: None for s in said if s.kind == "feature"}}),
        {name: entry.versions for name, entry in entries.items()},
        tuple(tags), tuple(s.name for s in said if s.kind == "set"), tuple(file.profiles if file else ()),
    )  # fmt: skip


def _entries(root: Path, profile: str | None) -> dict[str, ManifestEntry]:
    """What the manifest tells, of a store on this machine: nobody waits for another while a key is down."""
    try:
        config: StoreConfig | None = store_by_profile(profile, root)
    except MlforgeError:
        return {}
    path = getattr(config, "path", "feature_store") if config is None or config.kind == "local" else None
    return {} if path is None else dict(_manifest(root / path))


def _manifest(folder: Path) -> dict[str, ManifestEntry]:
    file = folder.joinpath(*layout.MANIFEST)
    return layout.decode(file.read_bytes(), Manifest, file).features if file.is_file() else {}


def _said(root: Path) -> Iterator[Said]:
    for file in _files(root):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        yield from _of_text(ast.walk(tree))


def _files(root: Path) -> Iterable[Path]:
    found = [*root.glob("*.py"), *root.glob("[!.]*/*.py")][:FILES]
    return [file for file in found if file.stat().st_size <= BYTES]


def _of_text(nodes: Iterable[ast.AST]) -> Iterator[Said]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            for made in (one for one in node.decorator_list if _called(one) == "feature"):
                yield Said("feature", next(_texts(made, "name"), node.name))
        if isinstance(node, ast.Call):
            name = _called(node)
            if name in ("feature", "request_feature", "FeatureSet"):
                yield from (Said("tag", tag) for tag in _texts(node, "tags"))
            if name in ("request_feature", "FeatureSet"):
                first = [*(a.value for a in node.args[:1] if isinstance(a, ast.Constant)), *_texts(node, "name")]
                yield from (Said("set" if name == "FeatureSet" else "feature", str(one)) for one in first[:1])


def _called(node: ast.AST) -> str | None:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _texts(node: ast.AST, keyword: str) -> Iterator[str]:
    """The texts that are given for a keyword, alone or in a list."""
    given = [k.value for k in getattr(node, "keywords", ()) if k.arg == keyword]
    for value in given:
        parts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
        yield from (p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str))
