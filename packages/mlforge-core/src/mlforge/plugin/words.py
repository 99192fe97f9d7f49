"""Words that plugins bring: `mlf.RedisStore` is the config of whichever plugin announces it."""

from __future__ import annotations

from typing import Any

from mlforge.plugin.config import load
from mlforge.plugin.descriptors import (
    EngineDescriptor,
    MetricDescriptor,
    OnlineStoreDescriptor,
    StoreDescriptor,
    ValidatorDescriptor,
)
from mlforge.plugin.hints import install_hint
from mlforge.plugin.registry import registry


def find_word(name: str) -> Any:
    """The config class, metric or validator of that name.

    Raises:
        AttributeError: Nobody brings it; the text names the distribution that would, where one is known.
    """
    found = registry()
    opened = (found.of(EngineDescriptor), found.of(StoreDescriptor), found.of(OnlineStoreDescriptor))
    configs = [d.config for kind in opened for d in kind.values()]
    called: dict[str, ValidatorDescriptor | MetricDescriptor] = {
        **found.of(ValidatorDescriptor),
        **found.of(MetricDescriptor),
    }
    if config := next((c for c in configs if c.__name__ == name), None):
        return config
    if name in called:
        return load(called[name].target, f"the {called[name].role} {name!r}")
    hint = install_hint("word", name)
    raise AttributeError(
        f"mlforge has no {name!r}" + (f": it comes with another distribution. {hint}" if hint else ".")
    )
