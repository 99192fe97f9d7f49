"""Words that plugins bring: `mlf.RedisStore` is the config of whichever plugin announces it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from opcode import opmap
from types import FrameType
from typing import Any

from mlforge.errors import close_to
from mlforge.plugin.config import load
from mlforge.plugin.descriptors import MetricDescriptor, ObserverDescriptor, ValidatorDescriptor
from mlforge.plugin.hints import install_hint
from mlforge.plugin.registry import registry


def find_word(name: str, others: Iterable[str] = ()) -> Any:
    """The config class, metric or validator of that name.

    Args:
        name: The word.
        others: The words of mlforge's own, of which one may have been meant.

    Raises:
        AttributeError: Nobody brings it; the text names the distribution that would, or the nearest word.
        ImportError: The same, where it was to be imported.
        Conflict: Several plugins bring it.
        Unsupported: A plugin brings it for another API version.
    """
    words = registry().words()
    looking_on = registry().of(ObserverDescriptor).get(name)
    if looking_on is not None and looking_on.module:
        return import_module(looking_on.module)
    called = words.get(name)
    if isinstance(called, ValidatorDescriptor | MetricDescriptor):
        return load(called.target, f"the {called.role} {name!r}")
    if called is not None:
        return getattr(called, "config")  # noqa: B009 - of an engine or a store
    raise registry().trouble_with_word(name) or no_word("mlforge", name, (*others, *words))


def no_word(where: str, name: str, known: Iterable[str]) -> AttributeError | ImportError:
    """The error for a word that is not there: who would bring it, or the nearest.

    Example:
        >>> print(no_word("mlforge", "Summ", ["Sum", "Max"]))
        mlforge has no 'Summ'. Did you mean 'Sum'?
    """
    text = f"{where} has no {name!r}"
    if hint := install_hint("word", name):
        text += f": it comes with another distribution. {hint}"
    else:
        close = close_to(name, known)
        text += f". Did you mean {close!r}?" if close else "."
        if any(plugin.error for plugin in registry().plugins):
            text += f" {'Or see' if close else 'See'} what is broken: mlforge plugins"
    if _is_import():  # which makes an error of its own of an AttributeError, and says nothing of what was meant
        return ImportError(text, name=where)
    return AttributeError(text, name=name, obj=None)  # not the module, in which Python would look for a near name again


def _is_import() -> bool:
    """Whether whoever asks does so in `from mlforge import …`."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to know
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith("mlforge."):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
