"""Whose code is it: the project's, which is followed, or somebody else's, which is known by name alone?"""

from __future__ import annotations

import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType

from mlforge.plugin.hints import PACKAGES

_INSTALLED = {"site-packages", "dist-packages"}
_OURS = {"mlforge", *PACKAGES}
_ZIPPED = f"python{sys.version_info.major}{sys.version_info.minor}.zip"  # as an embedded Python has its library
_LIBRARY = tuple(
    str(Path(path).resolve())
    for path in (*map(sysconfig.get_path, ("stdlib", "platstdlib")), *(p for p in sys.path if p.endswith(_ZIPPED)))
    if path
)


def is_projects_file(path: str) -> bool:
    """Whether a file is neither of the standard library nor installed. What has no file is taken for the project's."""
    return _is_projects(path)


@lru_cache(maxsize=4096)
def _is_projects(path: str) -> bool:
    if path.startswith("<frozen"):
        return False
    if path.startswith("<"):
        return True
    whole = Path(path).resolve()
    if _INSTALLED & set(whole.parts):
        return False
    return not any(whole.is_relative_to(folder) for folder in _LIBRARY)


def is_projects_module(module: ModuleType | None) -> bool:
    """Whether a module is the project's own: `__main__` always is, mlforge and its plugins never are."""
    if module is None or module.__name__ == "__main__":
        return True
    if is_ours(module.__name__):
        return False
    path = getattr(module, "__file__", None)
    if path is None:
        spec = getattr(module, "__spec__", None)
        return getattr(spec, "origin", None) not in ("built-in", "frozen") and _found_in_project(module)
    return is_projects_file(path)


def _found_in_project(module: ModuleType) -> bool:
    """Of a package without a file of its own: where its folders lie."""
    folders = list(getattr(module, "__path__", ()))
    return all(map(is_projects_file, folders))


def is_ours(name: str) -> bool:
    """Whether a module is mlforge's."""
    return name.partition(".")[0] in _OURS


def is_projects_function(function: FunctionType) -> bool:
    """Told by where its code lies: `functools.wraps` lends a wrapper the name of another module."""
    name = function.__globals__.get("__name__", "")
    if is_ours(name):
        return False
    return name == "__main__" or is_projects_file(function.__code__.co_filename)


def is_projects_class(cls: type) -> bool:
    """Whether a class was made by the project's code."""
    name = module_of(cls)
    if name == "builtins" or is_ours(name):
        return False
    return is_projects_module(sys.modules.get(name))


def module_of(cls: type) -> str:
    """The name of a class's module; `builtins` of one that has a descriptor in its place, as Cython's types have."""
    name: object = cls.__module__
    return name if isinstance(name, str) else "builtins"
