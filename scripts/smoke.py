"""Install wheels into empty environments, as users do, and see that they work; write what is in one as an SBOM.

Each package that is named is built with those of the house that it needs, and tried alone. With `--pairs` it is tried
with the oldest core that it says it runs with, and the core with the oldest release of the package, from their tags.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CORE = "mlforge-core"
COMPUTING = ("mlforge-polars", "mlforge-duckdb")
STRANGE = ("PYTHON", "VIRTUAL_ENV", "MLFORGE", "HATCH", "COV")
CLEAN = {word: value for word, value in os.environ.items() if not word.startswith(STRANGE)}


class Pair(NamedTuple):
    """A package and the core that it is tried with, each from a tag, or from here where that is None."""

    package: str
    package_tag: str | None
    core_tag: str | None


def main() -> int:
    """Try one package after the other; the first that fails ends it."""
    names = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(names))
    parser.add_argument("--pairs", action="store_true", help="try old with new, too")
    parser.add_argument("--sbom", type=Path, help="a folder for an SBOM of each package and all that it needs")
    options = parser.parse_args()
    if unknown := set(options.packages) - set(names):
        parser.error(f"no such package: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    if options.sbom:
        options.sbom.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        for name in options.packages or names:
            found = pairs(ROOT, name) if options.pairs else []
            if options.pairs and not found:
                print(f"{name}: no release of it or of the core has a tag: there is no old one to try with a new one.")
            for number, pair in enumerate([Pair(name, None, None), *found]):
                _try(pair, Path(folder, f"{name}-{number}"), None if number else options.sbom)
    return 0


def pairs(root: Path, package: str) -> list[Pair]:
    """The newest package with the oldest core that it takes, and its oldest release that takes this core with it."""
    if package == CORE:
        return []
    wanted = next(need for need in needs(root / "packages" / package) if need.name == CORE)
    cores = [tag for tag, version in _tags(root, CORE) if version in wanted.specifier]
    here = _version(root, CORE)
    own = [tag for tag, _ in _tags(root, package) if here in _core_of(root, tag, package)]
    return [Pair(package, None, tag) for tag in cores[:1]] + [Pair(package, tag, None) for tag in own[:1]]


def needs(folder: Path) -> list[Requirement]:
    """What a package requires of this house."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    return _house(text)


def _house(text: str) -> list[Requirement]:
    found = map(Requirement, tomllib.loads(text)["project"].get("dependencies", []))
    return [need for need in found if need.name.startswith("mlforge-")]


def _core_of(root: Path, tag: str, package: str) -> object:
    text = _git(root, "show", f"{tag}:packages/{package}/pyproject.toml").decode()
    return next(need.specifier for need in _house(text) if need.name == CORE)


def _tags(root: Path, package: str) -> list[tuple[str, Version]]:
    """The releases of a package, the oldest first."""
    tags = _git(root, "tag", "--list", f"{package}-v[0-9]*").decode().split()
    return sorted(((tag, Version(tag.rpartition("-v")[2])) for tag in tags), key=lambda found: found[1])


def _version(root: Path, package: str) -> Version:
    (about,) = (root / "packages" / package).glob("src/*/__about__.py")
    return Version(re.findall(r'"([^"]+)"', about.read_text(encoding="utf-8").partition("__version__")[2])[0])


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, check=True).stdout  # noqa: S607


def _try(pair: Pair, folder: Path, sbom: Path | None) -> None:
    """Build, install, import, and let the plugin be checked; an engine builds a new project's features."""
    folder.mkdir()
    wheels = _built(pair, folder)
    python = folder / "venv" / "bin" / "python"
    _run(folder, sys.executable, "-m", "uv", "venv", "--quiet", folder / "venv")
    _run(folder, sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *wheels)
    module = "mlforge" if pair.package == CORE else pair.package.replace("-", "_")
    _run(folder, python, "-W", "error", "-c", f"import {module}, mlforge; mlforge.Sum")
    mlforge = python.parent / "mlforge"
    _run(folder, mlforge, "plugins", "--check")
    if pair.package in COMPUTING:
        _run(folder, mlforge, "init", "shop")
        _run(folder / "shop", mlforge, "build")
    if sbom:
        told = sbom / f"{pair.package}-{_version(ROOT, pair.package)}.cdx.json"
        _run(folder, sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "-o", told, python)
    print(f"{pair.package} ({pair.package_tag or 'here'}) with {CORE} ({pair.core_tag or 'here'}): works", flush=True)


def _built(pair: Pair, folder: Path) -> list[Path]:
    """The wheels of a package and of all that it needs of the house."""
    places = {pair.package: _tree(pair.package_tag, folder / "own") / "packages" / pair.package}
    waiting = [*needs(places[pair.package])]
    if pair.package in COMPUTING:
        waiting += [Requirement("mlforge-polars")]  # a new project's functions are written for it
    while waiting:
        name = waiting.pop().name
        if name not in places:
            places[name] = _tree(pair.core_tag if name == CORE else None, folder / name) / "packages" / name
            waiting += needs(places[name])
    for place in places.values():
        _run(folder, sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", folder / "dist", place)
    return sorted((folder / "dist").glob("*.whl"))


def _tree(tag: str | None, folder: Path) -> Path:
    """The files of a tag, or those here."""
    if tag is None:
        return ROOT
    with tarfile.open(fileobj=BytesIO(_git(ROOT, "archive", "--format=tar", tag, "packages"))) as files:
        files.extractall(folder, filter="data")
    return folder


def _run(folder: Path, *words: object) -> None:
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=CLEAN, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
