"""The libraries of each kind of source, which an extra of this distribution brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlforge.errors import NotInstalled


def need(module: str, what: str, extra: str) -> Any:
    """A module. Raises `NotInstalled` with the line that installs it."""
    try:
        return import_module(module)
    except ImportError:
        raise NotInstalled(
            f"{what} is read by {module.split('.', maxsplit=1)[0]}, which is not installed.",
            hint=f'Install it: pip install "mlforge-tables[{extra}]"',
        ) from None
