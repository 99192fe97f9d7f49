"""Why definitions do not import, in words that lead on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from mlforge.errors import Invalid, NotInstalled, close_to
from mlforge.plugin.hints import PACKAGES
from mlforge.plugin.origin import is_ours
from mlforge.plugin.where import line_of

_ROOMS = ("errors", "metrics", "validators", "plugin", "testing", "online", "store")
_BROUGHT_BY = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "PyYAML",
    **{name: name for name in ("duckdb", "numpy", "pandas", "polars", "pyarrow", "requests", "scipy", "xgboost")},
}
"""Which distribution brings a module that features often import; nobody is told to install what may not exist."""


def lacks_module(name: str, error: ModuleNotFoundError, beside: Iterable[str]) -> Invalid | NotInstalled:
    """The error for definitions that import a module which is not there.

    Args:
        name: The module that holds them.
        error: What the import raised.
        beside: The modules that lie beside it, of which one may have been meant.
    """
    missing = error.name or ""
    top = missing.partition(".")[0]
    if top in PACKAGES and top == missing:
        install = f"pip install {top.replace('_', '-')}"
        return NotInstalled(f"{name} needs {missing!r}, which is not installed.", hint=install).at(line_of(error))
    if top != missing and top in sys.modules:
        return Invalid(f"{name} imports {missing!r}, which is not there.", hint=_nearest_room(missing)).at(
            line_of(error)
        )
    if close := close_to(top, beside):
        hint = f"Did you mean {close!r}?"
    else:
        known = _BROUGHT_BY.get(top)
        hint = f"pip install {known}" if known else "Mend its name, or install the distribution that brings it."
    return Invalid(f"{name} needs {missing!r}, which is not installed.", hint=hint).at(line_of(error))


def does_not_import(name: str, error: BaseException) -> Invalid:
    """The error for definitions that raise something while they are imported."""
    said = error.msg if isinstance(error, SyntaxError) else _own_words(error) or _said(error)
    text = f"{name} does not import: {type(error).__name__}{f': {said}' if said else ''}"
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    return Invalid(text, hint="Mend it; --debug shows the traceback.").at(line_of(error))


def _said(error: BaseException) -> str:
    """What an error says; nothing, where it fails to say it."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is the error of whoever wrote the definitions
        return ""


def _nearest_room(missing: str) -> str:
    close = close_to(missing, [f"mlforge.{room}" for room in _ROOMS]) if is_ours(missing) else None
    return f"Did you mean {close!r}?" if close else "Mend its name."


def _own_words(error: BaseException) -> str | None:
    """What a module of mlforge says of a name that it does not have: `from … import` hides it."""
    wanted = re.match(r"cannot import name '(\w+)'", str(error)) if isinstance(error, ImportError) else None
    module = sys.modules.get(getattr(error, "name", None) or "")
    if wanted is None or module is None or not is_ours(module.__name__):
        return None
    try:
        getattr(module, wanted[1])
    except AttributeError as said:
        return str(said)
    return None
