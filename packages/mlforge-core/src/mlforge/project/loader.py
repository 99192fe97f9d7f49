"""Where a project's definitions are: `--target`, `target:` in `mlforge.yaml`, or the one file that has them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec

from mlforge.errors import Invalid, MlforgeError, NotFound, close_to, nearest
from mlforge.plugin.where import line_of, shown
from mlforge.project.bounded_yaml import line_in
from mlforge.project.hidden import warn_of_hidden
from mlforge.project.looking import is_file, is_folder, is_there
from mlforge.project.profiles import FILE, ProfileFile, read_profiles
from mlforge.project.project import Project, find_root
from mlforge.project.unimportable import does_not_import, lacks_module

_SKIP = {"node_modules", "site-packages", "__pycache__", "build", "dist", "tests", "test"}
_MARK = "Definitions("
NAMED = "definitions.py"
_PLACES = "Give --target a file, a module, or file.py:name."


class Found(msgspec.Struct, frozen=True):
    """Definitions, and the file and the variable that hold them."""

    project: Project
    module: ModuleType
    variable: str

    @property
    def place(self) -> str:
        """`src/shop/definitions.py:defs`: what `--target` takes."""
        file = file_of(self.module)
        return f"{shown(file) if file else self.module.__name__}:{self.variable}"


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
    start = here / place if place and is_there(here / place) else here
    root = find_root(start if is_folder(start) else start.parent)
    found = None if place else read_profiles(root)
    if found:
        place, _, name = _split(found.target)
    try:
        modules = _modules(place, here, root)
        chosen = _only([f for m in modules for f in _definitions(m, name)], place)
    except MlforgeError as error:
        error.at(_said_in(found))
        raise
    project = chosen.project
    project.file = file_of(chosen.module)
    if not project.has_own_root:
        project.root = root
    return project


def _said_in(profiles: ProfileFile | None) -> str | None:
    """The line of `mlforge.yaml` that names the place of the definitions."""
    return line_in(profiles.path, ["target"]) if profiles and profiles.target else None


def _split(target: str | None) -> tuple[str, str, str]:
    place, colon, name = (target or "").rpartition(":")
    return (place, colon, name) if colon and name.isidentifier() else (target or "", "", "")


def _modules(place: str, here: Path, root: Path) -> list[ModuleType]:
    if not place:
        return [_import_file(p) for p in _candidates(root)]
    for base in (here, root):
        if is_file(base / place):
            _refuse_foreign(base / place)
            return [_import_file((base / place).resolve())]
        if is_folder(base / place):
            return [_import_file(p) for p in _candidates((base / place).resolve())]
    if place.endswith(".py") or "/" in place:
        raise NotFound(f"There is no file {place!r}.", hint=_nearby(place, here, root))
    return [_import_module(place, root, _nearby(place, here, root))]


def _refuse_foreign(path: Path) -> None:
    if path.suffix != ".py":
        raise Invalid(f"{path.name} is no Python file.", hint=_PLACES)


def _nearby(place: str, here: Path, root: Path) -> str:
    """A hint for a place that is not there: a file of a name nearly so, however it was written."""
    files = [shown(p) for p in _python_files(root)] + [p.name for p in _python_files(here, 0)]
    bare = {f.removesuffix(".py"): f for f in files}
    written = {**{b.replace("/", "."): f for b, f in bare.items()}, **bare, **{f: f for f in files}}
    close = close_to(place, written)
    return f"Did you mean {written[close]!r}?" if close else _PLACES


def _candidates(root: Path) -> list[Path]:
    """Files that make definitions: those named definitions.py if there are any, else every one that does.

    One that does not parse is never passed over in silence: a definitions.py is refused, another is warned of.
    """
    there = list(_python_files(root))
    files = [p for p in there if _MARK in _text(p)]
    unmarked = [p for p in there if p.name == NAMED and p not in files]
    for path in unmarked:
        if error := _unparsed(path):
            raise _does_not_parse(path, error) from error
    if unmarked and not files:
        raise NotFound(
            f"{shown(unmarked[0])} makes no Definitions.",
            hint='Write defs = mlf.Definitions("name", features=[…]) in it, or say where yours are: --target PLACE',
        )
    chosen = [p for p in files if p.name == NAMED] or files
    for path in (p for p in files if p not in chosen):
        if error := _unparsed(path):
            text = f"It does not parse, and is passed over: {getattr(error, 'msg', error)}."
            warnings.warn_explicit(text, UserWarning, str(path), getattr(error, "lineno", None) or 1)
    return chosen


def _text(path: Path) -> str:
    """What a file says. One that may not be read is refused if it is a definitions.py, and warned of otherwise."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        if path.name == NAMED:
            raise Invalid(f"{shown(path)} cannot be read: {error.strerror}.", hint="Look at its permissions.") from None
        text = f"It cannot be read, and is passed over: {error.strerror}."
        warnings.warn_explicit(text, UserWarning, str(path), 1)
        return ""


def _unparsed(path: Path) -> SyntaxError | ValueError | None:
    """Why a file does not parse; None for one that does."""
    import ast

    try:
        ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        return error
    return None


def _does_not_parse(path: Path, error: Exception) -> MlforgeError:
    said = getattr(error, "msg", error)
    return Invalid(f"{shown(path)} does not parse: {type(error).__name__}: {said}.", hint="Mend it.").at(line_of(error))


def _python_files(root: Path, depth: int = 4) -> Iterator[Path]:
    for path in _listed(root):
        if path.suffix == ".py" and is_file(path):
            yield path
        elif depth and _may_hold_definitions(path):
            yield from _python_files(path, depth - 1)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # somebody else's, or gone meanwhile: no definitions of this project
        return []


def _may_hold_definitions(path: Path) -> bool:
    skipped = path.name.startswith(".") or path.name in _SKIP
    apart = any(is_there(path / name) for name in ("pyvenv.cfg", FILE))  # nobody may look into some folders
    return not skipped and is_folder(path) and not apart


def _import_file(path: Path) -> ModuleType:
    base = _import_base(path)
    name = ".".join(path.relative_to(base).with_suffix("").parts)
    if file_of(sys.modules.get(name)) not in (None, path):
        del sys.modules[name]  # another project's file of the same name
    module = _import_module(name, base)
    if file_of(module) != path:
        raise Invalid(
            f"{path.name} cannot be imported as {name!r}, which is {file_of(module)}.",
            hint="Give the file another name.",
        )
    return module


def file_of(module: ModuleType | None) -> Path | None:
    """The file that a module was read from; None for one that has none."""
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _import_base(path: Path) -> Path:
    """The folder its imports start from: above its topmost package."""
    base = path.parent
    while (base / "__init__.py").exists() and base != base.parent:
        base = base.parent
    return base


def _import_module(name: str, base: Path, hint: str = _PLACES) -> ModuleType:
    sys.path[:] = [str(base), *(p for p in sys.path if p != str(base))]
    importlib.invalidate_caches()
    warn_of_hidden(_python_files(base, 0), name.split(".", maxsplit=1)[0])
    try:
        return importlib.import_module(name)
    except MlforgeError as error:
        error.at(line_of(error))
        raise
    except ModuleNotFoundError as error:
        if error.name == name.split(".", maxsplit=1)[0] or error.name == name:
            raise NotFound(f"There is no module {name!r}.", hint=hint) from error
        raise lacks_module(name, error, [p.stem for p in _python_files(base, 0)]) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a library's own code panics with is no Exception, and sys.exit() is none
        raise does_not_import(name, error) from error


def _definitions(module: ModuleType, name: str) -> list[Found]:
    there = {n: v for n, v in vars(module).items() if isinstance(v, Project)}
    if name and name not in there:
        hint = nearest(name, there) if there else "Name the variable that holds them."
        raise NotFound(f"{module.__name__} has no Definitions named {name!r}.", hint=hint)
    return [Found(v, module, n) for n, v in there.items() if not name or n == name]


def _only(found: list[Found], place: str) -> Found:
    where = f"in {place}" if place else "here"
    each = list({id(f.project): f for f in reversed(found)}.values())[::-1]
    if not each:
        raise NotFound(
            f"No Definitions were found {where}.",
            hint="Make a project with `mlforge init NAME`, or say where yours are: --target path/to/definitions.py",
        )
    if len(each) > 1:
        names = ", ".join(f"{f.project.name!r} ({f.place})" for f in each)
        raise Invalid(f"Several Definitions were found {where}: {names}.", hint=f"Choose one: --target {each[0].place}")
    return each[0]
