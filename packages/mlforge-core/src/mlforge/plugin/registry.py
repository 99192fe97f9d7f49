"""Which plugins are installed, what each brings, and what is wrong with those that are broken."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from threading import Thread
from typing import Any, TypeVar

import msgspec
import pluggy

from mlforge.errors import MlforgeError, NotInstalled, Unknown, Unsupported, close_to
from mlforge.plugin import descriptors as d
from mlforge.plugin import hookspecs
from mlforge.plugin.claims import Rivalry, refusal, rivalry, withheld
from mlforge.plugin.hints import CORE, DEFAULT_ENGINE, install_hint, missing

GROUP = "mlforge"
_ANNOUNCING = (
    "mlforge_engines",
    "mlforge_stores",
    "mlforge_online_stores",
    "mlforge_sources",
    "mlforge_validators",
    "mlforge_metrics",
    "mlforge_observers",
    "mlforge_commands",
)
_TYPES: dict[str, type[Any]] = {
    "mlforge_engines": d.EngineDescriptor,
    "mlforge_stores": d.StoreDescriptor,
    "mlforge_online_stores": d.OnlineStoreDescriptor,
    "mlforge_sources": d.SourceDescriptor,
    "mlforge_validators": d.ValidatorDescriptor,
    "mlforge_metrics": d.MetricDescriptor,
    "mlforge_observers": d.ObserverDescriptor,
    "mlforge_commands": d.Command,
}
PATIENCE = 5.0
"""How many seconds an observing hook of a plugin is waited for."""
_SEE = "See: mlforge plugins"
_log = logging.getLogger("mlforge.plugins")
D = TypeVar("D", bound=d.Descriptor)
K = TypeVar("K")


class Plugin(msgspec.Struct, frozen=True):
    """An installed plugin: where it comes from, what it brings, and why it is broken if it is.

    What a broken plugin announces, as far as that is known, is `withheld`: it is explained where it is asked for.
    """

    name: str
    distribution: str
    version: str
    brings: tuple[d.Descriptor, ...] = ()
    error: str | None = None
    hint: str | None = None
    withheld: tuple[d.Descriptor, ...] = ()
    hooks: Any = None


class Registry:
    """The installed plugins. One that fails to load is an entry with its error, never an exception."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self.attending: dict[str, Any] = {}  # the observers of all that this process does, by kind

    def of(self, kind: type[D]) -> dict[str, D]:
        """The descriptors of one kind by name, without those that two plugins claim. What the core brings stays."""
        chosen = self._owned(lambda found: found.name if isinstance(found, kind) else None)
        return {name: found for name, found in chosen.items() if isinstance(found, kind)}

    def words(self) -> dict[str, d.Descriptor]:
        """The descriptors that are words of `mlforge`, without those that two plugins claim."""
        return self._owned(word_of)

    def _owned(self, key: Callable[[d.Descriptor], str | None]) -> dict[str, d.Descriptor]:
        chosen = {name: _owner(claims) for name, claims in self._claims(key).items()}
        return {name: found for name, found in chosen.items() if found is not None}

    def _claims(self, key: Callable[[d.Descriptor], K | None]) -> dict[K, list[tuple[Plugin, d.Descriptor]]]:
        """Who claims what, by some key; None claims nothing."""
        claims: dict[K, list[tuple[Plugin, d.Descriptor]]] = {}
        for plugin in self.plugins:
            for found in plugin.brings:
                if (claimed := key(found)) is not None:
                    claims.setdefault(claimed, []).append((plugin, found))
        return claims

    def get(self, kind: type[D], name: str) -> D:
        """The descriptor of that name.

        Raises:
            Conflict: Two plugins bring it.
            NotInstalled: Nobody does, and a known distribution would.
            Unsupported: A plugin brings it for another API version, or is broken, or nobody brings it yet.
            Unknown: Nobody does; the hint is the nearest name.
        """
        known = self.of(kind)
        if name in known:
            return known[name]
        raise self.trouble(kind, name) or self._missing(kind.role, name, known)

    def rivals(self) -> list[Rivalry]:
        """The names that several plugins claim, and the words that only they make alike."""
        named = [(role, name, by) for (role, name), by in self._claims(lambda x: (x.role, x.name)).items()]
        words = [("word", word, by) for word, by in self._claims(word_of).items() if len({x.name for _, x in by}) > 1]
        return [
            rivalry(role, name, [p.distribution for p, _ in by]) for role, name, by in [*named, *words] if _several(by)
        ]

    def trouble(self, kind: type[D], name: str) -> MlforgeError | None:
        """Why nobody gets what somebody brings: several do, or the one that does is broken. None where nobody does."""
        return self._trouble(kind.role, name, lambda found: isinstance(found, kind) and found.name == name)

    def trouble_with_word(self, word: str) -> MlforgeError | None:
        """The same for a word of `mlforge`: a config's class, a validator or a metric."""
        return self._trouble("word", word, lambda found: word_of(found) == word)

    def _trouble(self, role: str, name: str, claims: Callable[[d.Descriptor], bool]) -> MlforgeError | None:
        claimants = [p.distribution for p in self.plugins for found in p.brings if claims(found)]
        if len(claimants) > 1:
            return refusal(rivalry(role, name, claimants))
        for plugin in self.plugins:
            if plugin.error and any(map(claims, plugin.withheld)):
                return withheld(role, name, plugin.distribution, plugin.error, plugin.hint or _SEE)
        return None

    def _missing(self, role: str, name: str, known: Mapping[str, Any]) -> MlforgeError:
        broken = [p for p in self.plugins if p.error]
        for plugin in broken:
            if name in (plugin.name, plugin.distribution.removeprefix("mlforge-")):
                return Unsupported(f"The {role} {name!r} is broken: {plugin.error}", hint=plugin.hint or _SEE)
        also = " Or see what is broken: mlforge plugins" if broken else ""
        unknown = Unknown(f"There is no {role} {name!r}.", hint=_nearest(name, known, role) + also)
        return missing(role, name) or unknown

    def default_engine(self) -> str:
        """`polars`, or the only other engine there is.

        Raises:
            NotInstalled: There is none, or there are several and none is the default.
        """
        engines = self.of(d.EngineDescriptor)
        if DEFAULT_ENGINE in engines:
            return DEFAULT_ENGINE
        if error := self.trouble(d.EngineDescriptor, DEFAULT_ENGINE):
            raise error
        if len(engines) == 1:
            return next(iter(engines))
        if engines:
            raise NotInstalled(f"Several engines are installed: {', '.join(engines)}.", hint="Name one: engine=…")
        install = f"Install one: {install_hint('engine', DEFAULT_ENGINE)}"
        broken = any(p.error for p in self.plugins)
        hint = f"{install}; or see what is broken: mlforge plugins" if broken else install
        raise NotInstalled("No engine is installed.", hint=hint)

    def tell(self, hook: str, **payload: Any) -> None:
        """Call an observing hook of every plugin; what one raises is logged, one that hangs is waited for no more."""
        for plugin in self.plugins:
            if plugin.hooks is None or not getattr(plugin.hooks, hook).get_hookimpls():
                continue
            told = Thread(target=_tell, args=(plugin, hook, payload), name=f"mlforge-{plugin.name}", daemon=True)
            told.start()
            told.join(PATIENCE)
            if told.is_alive():
                _log.warning(
                    "%s of %s takes longer than %g s: it is waited for no more", hook, plugin.distribution, PATIENCE
                )


def _tell(plugin: Plugin, hook: str, payload: Mapping[str, Any]) -> None:
    try:
        getattr(plugin.hooks, hook)(**payload)
    except Exception:  # noqa: BLE001 - an observer never stops a build
        _log.exception("%s of %s failed", hook, plugin.distribution)


@functools.cache
def registry() -> Registry:
    """The plugins of this environment, loaded once."""
    entries = metadata.entry_points(group=GROUP)
    return Registry(_load(e) for e in sorted(entries, key=lambda e: (e.dist.name if e.dist else "", e.name)))


def word_of(found: d.Descriptor) -> str | None:
    """What a descriptor is called in `mlforge`: a config by its class, a validator or metric by its name."""
    if isinstance(found, d.ValidatorDescriptor | d.MetricDescriptor):
        return found.name
    config = getattr(found, "config", None)
    return config.__name__ if config else None


def _owner(claims: Sequence[tuple[Plugin, d.Descriptor]]) -> d.Descriptor | None:
    """The descriptor of a name that is used: the core's, or the only one."""
    built_in = [found for plugin, found in claims if plugin.distribution == CORE]
    if built_in:
        return built_in[0]
    return None if _several(claims) else claims[0][1]


def _several(claims: Sequence[tuple[Plugin, d.Descriptor]]) -> bool:
    return len({(plugin.distribution, plugin.name) for plugin, _ in claims}) > 1


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
    found = tuple(_announced(manager))
    if wrong := next((x for x in found if x.api not in d.SUPPORTED_API), None):
        error, hint = _other_api(wrong, plugin.distribution)
        return msgspec.structs.replace(plugin, error=error, hint=hint, withheld=found)
    manager.check_pending()
    names = [(x.role, x.name) for x in found]
    if twice := next((x for x in names if names.count(x) > 1), None):
        error = f"It brings the {twice[0]} {twice[1]!r} twice."
        return msgspec.structs.replace(plugin, error=error, withheld=found)
    return msgspec.structs.replace(plugin, brings=found, hooks=manager.hook)


def _announced(manager: pluggy.PluginManager) -> Iterator[d.Descriptor]:
    for hook in _ANNOUNCING:
        for descriptors in getattr(manager.hook, hook)():
            if not isinstance(descriptors, Iterable):
                name, wanted = type(descriptors).__name__, _TYPES[hook].__name__
                raise TypeError(f"{hook} gave a {name}, not a list: return [{wanted}(…)]")
            for descriptor in descriptors:
                if not isinstance(descriptor, _TYPES[hook]):
                    raise TypeError(f"{hook} gave a {type(descriptor).__name__}, not a {_TYPES[hook].__name__}")
                yield descriptor


def _other_api(found: d.Descriptor, distribution: str) -> tuple[str, str]:
    """What is wrong with a descriptor made for another API, and which of the two is to be upgraded."""
    api: object = found.api
    if not isinstance(api, int):
        return f"The plugin API of {found.name!r} is {api!r}, not a number.", f"Write api={d.SUPPORTED_API[-1]}."
    oldest, newest = d.SUPPORTED_API[0], d.SUPPORTED_API[-1]
    has = str(newest) if oldest == newest else f"{oldest} to {newest}"
    error = f"{found.name!r} was written for plugin API {found.api!r}, this mlforge has {has}."
    older = distribution if found.api in range(oldest) else CORE
    return error, f"Upgrade it: pip install --upgrade {older}"


def _nearest(name: str, known: Iterable[str], role: str) -> str:
    close = close_to(name, known)
    return f"Did you mean {close!r}?" if close else f"Known: {', '.join(known) or f'no {role} at all'}."
