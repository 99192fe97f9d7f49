"""Where a project's definitions are: `--target`, `target:` in `mlforge.yaml`, or the one file that has them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.project.profiles import FILE, read_profiles
from mlforge.project.project import Project, find_root

_SKIP = {"node_modules", "site-packages", "__pycache__", "build", "dist", "tests", "test"}
_MARK = "Definitions("
_NAMED = "definitions.py"


def load_project(target: str | None, here: Path) -> Project:
    """The definitions a user means.

    Args:
        target: `path/to/file.py`, `package.module`, either with `:name`, or a folder; searched for if None.
        here: Where the search starts; the project's folder is at or above it.

    Raises:
        NotFound: No definitions, or no such file.
        Invalid: Several, or a file that fails to import; the message says where.
    """
    place, _, name = _split(target)
    start = here / place if place and (here / place).exists() else here
    root = find_root(start if start.is_dir() else start.parent)
    if not place:
        found = read_profiles(root)
        place, _, name = _split(found.target if found else None)
    modules = _modules(place, here, root)
    projects = {id(p): p for m in modules for p in _projects(m, name)}
    project = _only(list(projects.values()), place)
    if not project.has_own_root:
        project.root = root
    return project


def _split(target: str | None) -> tuple[str, str, str]:
    place, colon, name = (target or "").rpartition(":")
    return (place, colon, name) if colon and name.isidentifier() else (target or "", "", "")


def _modules(place: str, here: Path, root: Path) -> list[ModuleType]:
    if not place:
        return [_import_file(p) for p in _candidates(root)]
    for base in (here, root):
        if (base / place).is_file():
            return [_import_file((base / place).resolve())]
        if (base / place).is_dir():
            return [_import_file(p) for p in _candidates((base / place).resolve())]
    if place.endswith(".py") or "/" in place:
        raise NotFound(f"There is no file {place!r}.", hint="Give --target a file, a module, or file.py:name.")
    return [_import_module(place, root)]


def _candidates(root: Path) -> list[Path]:
    """Files that make definitions: those named definitions.py if there are any, else every one that does."""
    there = list(_python_files(root))
    files = [p for p in there if _MARK in p.read_text(encoding="utf-8", errors="replace")]
    if not files:
        _refuse_empty([p for p in there if p.name == _NAMED], root)
    return [p for p in files if p.name == _NAMED] or files


def _refuse_empty(paths: list[Path], root: Path) -> None:
    """Raise for a definitions.py that makes none, and say why where it does not even parse."""
    import ast

    for path in paths:
        try:
            ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:
            raise Invalid(f"{path.relative_to(root)} does not parse: {_told(error)}.", hint="Mend it.") from error
    if paths:
        raise NotFound(
            f"{paths[0].relative_to(root)} makes no Definitions.",
            hint='Write defs = mlf.Definitions("name", features=[…]) in it, or say where yours are: --target PLACE',
        )


def _python_files(root: Path, depth: int = 4) -> Iterator[Path]:
    for path in _listed(root):
        if path.is_file() and path.suffix == ".py":
            yield path
        elif depth and _may_hold_definitions(path):
            yield from _python_files(path, depth - 1)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:  # somebody else's: no definitions of this project
        return []


def _may_hold_definitions(path: Path) -> bool:
    skipped = path.name.startswith(".") or path.name in _SKIP
    return path.is_dir() and not skipped and not (path / "pyvenv.cfg").exists() and not (path / FILE).exists()


def _import_file(path: Path) -> ModuleType:
    base = _import_base(path)
    name = ".".join(path.relative_to(base).with_suffix("").parts)
    if _file_of(sys.modules.get(name)) not in (None, path):
        del sys.modules[name]  # another project's file of the same name
    module = _import_module(name, base)
    if _file_of(module) != path:
        raise Invalid(
            f"{path.name} cannot be imported as {name!r}, which is {_file_of(module)}.",
            hint="Give the file another name.",
        )
    return module


def _file_of(module: ModuleType | None) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _import_base(path: Path) -> Path:
    """The folder its imports start from: above its topmost package."""
    base = path.parent
    while (base / "__init__.py").exists() and base != base.parent:
        base = base.parent
    return base


def _import_module(name: str, base: Path) -> ModuleType:
    sys.path[:] = [str(base), *(p for p in sys.path if p != str(base))]
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except MlforgeError:
        raise
    except ModuleNotFoundError as error:
        if error.name == name.split(".", maxsplit=1)[0] or error.name == name:
            raise NotFound(
                f"There is no module {name!r}.", hint="Give --target a file, a module, or file.py:name."
            ) from error
        raise Invalid(
            f"{name} needs {error.name!r}, which is not installed.", hint=f"pip install {error.name}"
        ) from error
    except (Exception, SystemExit) as error:
        raise Invalid(
            f"{name} does not import: {_told(error)}.", hint="Mend it; --debug shows the traceback."
        ) from error


def _told(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    line = f" ({Path(error.filename or '').name}, line {error.lineno})" if isinstance(error, SyntaxError) else where
    text = error.msg if isinstance(error, SyntaxError) else error
    return f"{type(error).__name__}: {text}{line}"


def _projects(module: ModuleType, name: str) -> list[Project]:
    if name:
        value: Any = getattr(module, name, None)
        if not isinstance(value, Project):
            raise NotFound(
                f"{module.__name__} has no Definitions named {name!r}.", hint="Name the variable that holds them."
            )
        return [value]
    return [v for v in vars(module).values() if isinstance(v, Project)]


def _only(projects: list[Project], place: str) -> Project:
    where = f"in {place}" if place else "here"
    if not projects:
        raise NotFound(
            f"No Definitions were found {where}.",
            hint="Make a project with `mlforge init NAME`, or say where yours are: --target path/to/definitions.py",
        )
    if len(projects) > 1:
        names = ", ".join(repr(p.name) for p in projects)
        raise Invalid(f"Several Definitions were found {where}: {names}.", hint="Choose one: --target file.py:variable")
    return projects[0]
