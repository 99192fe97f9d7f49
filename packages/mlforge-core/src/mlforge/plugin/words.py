"""Words that plugins bring: `mlf.RedisStore` is the config of whichever plugin announces it."""

from __future__ import annotations

from typing import Any

from mlforge.plugin.config import load
from mlforge.plugin.descriptors import MetricDescriptor, ValidatorDescriptor
from mlforge.plugin.hints import install_hint
from mlforge.plugin.registry import registry


def find_word(name: str) -> Any:
    """The config class, metric or validator of that name.

    Raises:
        AttributeError: Nobody brings it; the text names the distribution that would, where one is known.
        Conflict: Several plugins bring it.
        Unsupported: A plugin brings it for another API version.
    """
    called = registry().words().get(name)
    if isinstance(called, ValidatorDescriptor | MetricDescriptor):
        return load(called.target, f"the {called.role} {name!r}")
    if called is not None:
        return getattr(called, "config")  # noqa: B009 - of an engine or a store
    if error := registry().trouble_with_word(name):
        raise error
    hint = install_hint("word", name)
    raise AttributeError(
        f"mlforge has no {name!r}" + (f": it comes with another distribution. {hint}" if hint else ".")
    )
