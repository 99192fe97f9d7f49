"""Which plugins are installed, what each brings, and what is wrong with those that are broken."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any, TypeVar

import msgspec
import pluggy

from mlforge.errors import Conflict, MlforgeError, NotInstalled, Unknown, Unsupported, close_to
from mlforge.plugin import descriptors as d
from mlforge.plugin import hookspecs
from mlforge.plugin.hints import DEFAULT_ENGINE, install_hint, missing

GROUP = "mlforge"
_ANNOUNCING = (
    "mlforge_engines",
    "mlforge_stores",
    "mlforge_online_stores",
    "mlforge_validators",
    "mlforge_metrics",
    "mlforge_commands",
)
_TYPES: dict[str, type[Any]] = {
    "mlforge_engines": d.EngineDescriptor,
    "mlforge_stores": d.StoreDescriptor,
    "mlforge_online_stores": d.OnlineStoreDescriptor,
    "mlforge_validators": d.ValidatorDescriptor,
    "mlforge_metrics": d.MetricDescriptor,
    "mlforge_commands": d.Command,
}
_log = logging.getLogger("mlforge.plugins")
D = TypeVar("D", bound=d.Descriptor)


class Plugin(msgspec.Struct, frozen=True):
    """An installed plugin: where it comes from, what it brings, and why it is broken if it is."""

    name: str
    distribution: str
    version: str
    brings: tuple[d.Descriptor, ...] = ()
    error: str | None = None
    hooks: Any = None


class Registry:
    """The installed plugins. One that fails to load is an entry with its error, never an exception."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.plugins = tuple(plugins)

    def of(self, kind: type[D]) -> dict[str, D]:
        """The descriptors of one kind by name, without those that two plugins claim."""
        found = [(p, x) for p in self.plugins for x in p.brings if isinstance(x, kind)]
        names = [x.name for _, x in found]
        return {x.name: x for _, x in found if names.count(x.name) == 1}

    def get(self, kind: type[D], name: str) -> D:
        """The descriptor of that name.

        Raises:
            Conflict: Two plugins bring it.
            NotInstalled: Nobody does, and a known distribution would.
            Unsupported: A plugin brings it for another API version, or nobody brings it yet.
            Unknown: Nobody does; the hint is the nearest name.
        """
        known = self.of(kind)
        if name in known:
            return known[name]
        self._refuse_rivals(kind, name)
        raise self._missing(kind.role, name, known)

    def rivals(self) -> dict[tuple[str, str], list[str]]:
        """The names that several plugins claim, by role and name, with the distributions that do."""
        claims: dict[tuple[str, str], list[str]] = {}
        for plugin in self.plugins:
            for found in plugin.brings:
                claims.setdefault((found.role, found.name), []).append(plugin.distribution)
        return {claim: by for claim, by in claims.items() if len(by) > 1}

    def _refuse_rivals(self, kind: type[D], name: str) -> None:
        rivals = [p.distribution for p in self.plugins for x in p.brings if isinstance(x, kind) and x.name == name]
        if rivals:
            raise Conflict(
                f"{len(rivals)} plugins bring the {kind.role} {name!r}: {' and '.join(rivals)}.",
                hint=f"Uninstall one of them: pip uninstall {rivals[-1]}",
            )

    def _missing(self, role: str, name: str, known: Mapping[str, Any]) -> MlforgeError:
        broken = [p for p in self.plugins if p.error and name in (p.name, p.distribution.removeprefix("mlforge-"))]
        if broken:
            return Unsupported(f"The {role} {name!r} is broken: {broken[0].error}", hint="See: mlforge plugins")
        unknown = Unknown(f"There is no {role} {name!r}.", hint=_nearest(name, known, role))
        return missing(role, name) or unknown

    def default_engine(self) -> str:
        """`polars`, or the only other engine there is.

        Raises:
            NotInstalled: There is none, or there are several and none is the default.
        """
        engines = self.of(d.EngineDescriptor)
        if DEFAULT_ENGINE in engines:
            return DEFAULT_ENGINE
        self._refuse_rivals(d.EngineDescriptor, DEFAULT_ENGINE)
        if len(engines) == 1:
            return next(iter(engines))
        if engines:
            raise NotInstalled(f"Several engines are installed: {', '.join(engines)}.", hint="Name one: engine=…")
        install = f"Install one: {install_hint('engine', DEFAULT_ENGINE)}"
        broken = any(p.error for p in self.plugins)
        hint = f"{install}; or see what is broken: mlforge plugins" if broken else install
        raise NotInstalled("No engine is installed.", hint=hint)

    def tell(self, hook: str, **payload: Any) -> None:
        """Call an observing hook of every plugin; what one raises is logged and stops nobody."""
        for plugin in self.plugins:
            if plugin.hooks is None:
                continue
            try:
                getattr(plugin.hooks, hook)(**payload)
            except Exception:  # noqa: BLE001 - an observer never stops a build
                _log.exception("%s of %s failed", hook, plugin.distribution)


@functools.cache
def registry() -> Registry:
    """The plugins of this environment, loaded once."""
    entries = metadata.entry_points(group=GROUP)
    return Registry(_load(e) for e in sorted(entries, key=lambda e: (e.dist.name if e.dist else "", e.name)))


def _load(entry: metadata.EntryPoint) -> Plugin:
    dist = entry.dist
    plugin = Plugin(entry.name, dist.name if dist else "?", dist.version if dist else "?")
    try:
        return load_plugin(entry.load(), plugin)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a broken plugin is a line in the list, not a dead CLI
        return msgspec.structs.replace(plugin, error=f"{type(error).__name__}: {error}")


def load_plugin(module: object, plugin: Plugin) -> Plugin:
    """A plugin with what its module announces. A hook or API version that does not fit makes it a broken one."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, plugin.name)
    manager.check_pending()
    brings = tuple(_announced(manager))
    if wrong := next((x for x in brings if x.api != d.API_VERSION), None):
        error = f"{wrong.name!r} was written for plugin API {wrong.api}, this mlforge has {d.API_VERSION}."
        return msgspec.structs.replace(plugin, error=error)
    return msgspec.structs.replace(plugin, brings=brings, hooks=manager.hook)


def _announced(manager: pluggy.PluginManager) -> Iterator[d.Descriptor]:
    for hook in _ANNOUNCING:
        for descriptors in getattr(manager.hook, hook)():
            for descriptor in descriptors:
                if not isinstance(descriptor, _TYPES[hook]):
                    raise TypeError(f"{hook} gave a {type(descriptor).__name__}, not a {_TYPES[hook].__name__}")
                yield descriptor


def _nearest(name: str, known: Iterable[str], role: str) -> str:
    close = close_to(name, known)
    return f"Did you mean {close!r}?" if close else f"Known: {', '.join(known) or f'no {role} at all'}."
