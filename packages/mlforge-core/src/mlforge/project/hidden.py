"""Files of a project that hide a library from it, and from mlforge: `csv.py` beside the definitions."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path

_INSTALLED = ("site-packages", "dist-packages")
"""Folders of what is installed; others that imports look into may be those of another project."""


def warn_of_hidden(files: Iterable[Path], apart: str) -> None:
    """Warn of each file that is imported in the place of a module of Python, or of one that is installed.

    Args:
        files: The files of the folder that imports look into first.
        apart: The module that is wanted, which may be installed as well.
    """
    installed = [path for path in sys.path if Path(path).name in _INSTALLED]
    for file in files:
        if file.stem != apart and (hidden := _hidden_by(file.stem, installed)):
            text = f"It hides {hidden} from all that imports it: rename the file."
            warnings.warn_explicit(text, UserWarning, str(file), 1)


def _hidden_by(name: str, places: list[str]) -> str | None:
    if name == "test":  # Python's own, which nobody but its makers imports
        return None
    if name in sys.stdlib_module_names:
        return f"Python's own module {name!r}"
    spec = PathFinder.find_spec(name, places)
    return f"the installed module {name!r}" if spec and spec.loader else None
