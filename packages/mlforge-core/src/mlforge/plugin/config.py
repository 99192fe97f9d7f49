"""Configs: what a user holds, what `mlforge.yaml` decodes into, and how the live thing is opened."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_type_hints

import msgspec

from mlforge.errors import PluginFailed
from mlforge.model.address import is_secret, masked
from mlforge.model.spelling import Spelled

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""The type of a config's field that is never printed."""


class Config(msgspec.Struct, metaclass=Spelled, frozen=True, forbid_unknown_fields=True, tag_field="KIND"):
    """The settings of an engine or a store: frozen, hashable, printed with its secrets masked.

    Subclass with `tag="name"`, frozen, and set `target` to what `open` calls with the config.

    Example:
        >>> class MyStore(OnlineStoreConfig, frozen=True, tag="mine"):
        ...     host: str = "localhost"
        ...     password: Secret | None = None
        >>> MyStore(password="hunter2"), MyStore().kind
        (MyStore(host='localhost', password='***'), 'mine')
    """

    target: ClassVar[str] = ""

    @property
    def kind(self) -> str:
        """The name it has in `mlforge.yaml`."""
        return str(self.__struct_config__.tag)

    def at(self, root: Path) -> Self:
        """The same settings with relative paths starting at `root`, the project's folder."""
        return self

    def open(self) -> Any:
        """The live engine or store, a context manager.

        Raises:
            PluginFailed: What it needs could not be imported.
        """
        return load(self.target, f"the {self.kind} plugin")(self)

    def __repr__(self) -> str:
        hidden = secret_fields(type(self))
        shown = ((f, getattr(self, f)) for f in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(f'{f}={_masked(v, f in hidden)!r}' for f, v in shown)})"

    __str__ = __repr__

    def __rich_repr__(self) -> Any:
        hidden = secret_fields(type(self))
        for field in self.__struct_fields__:
            yield field, _masked(getattr(self, field), field in hidden)


class EngineConfig(Config, frozen=True):
    """The settings of an engine.

    Example:
        >>> isinstance(mlf.PolarsEngine(), EngineConfig), mlf.PolarsEngine().kind
        (True, 'polars')
    """


class StoreConfig(Config, frozen=True):
    """The settings of an offline store.

    Example:
        >>> isinstance(mlf.LocalStore("feature_store"), StoreConfig)
        True
    """


class OnlineStoreConfig(Config, frozen=True):
    """The settings of an online store.

    Example:
        >>> isinstance(mlf.SQLiteOnlineStore("online.db"), OnlineStoreConfig)
        True
    """


def load(target: str, what: str) -> Any:
    """The object at `module:name`. Raises `PluginFailed` where it cannot be imported."""
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginFailed(
            f"{target!r} of {what} cannot be imported: {error}.", hint="Install the plugin again, or tell its authors."
        ) from error


def secret_fields(config: type[Config]) -> frozenset[str]:
    """The fields declared as `Secret`."""
    hints = get_type_hints(config, include_extras=True)
    return frozenset(f for f in config.__struct_fields__ if _is_secret(hints[f]))


def _is_secret(hint: Any) -> bool:
    metas = getattr(hint, "__metadata__", ())
    nested = getattr(hint, "__args__", ())
    return any((getattr(m, "extra", None) or {}).get("secret") for m in metas) or any(map(_is_secret, nested))


def _masked(value: Any, secret: bool) -> Any:
    if secret and value is not None:
        return "***"
    if isinstance(value, dict):
        return {name: _masked(one, is_secret(str(name))) for name, one in value.items()}
    return masked(value) if isinstance(value, str) and "://" in value else value
