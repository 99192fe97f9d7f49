"""The offline stores, by the name older projects import them from."""

from typing import Any

from mlforge.plugin.words import find_word


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return find_word(name)
