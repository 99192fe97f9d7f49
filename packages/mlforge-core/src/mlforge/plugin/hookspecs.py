"""Everything a plugin may announce or observe. No hook carries a frame; none is on the data's path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from mlforge.plugin.descriptors import (
        Command,
        EngineDescriptor,
        MetricDescriptor,
        ObserverDescriptor,
        OnlineStoreDescriptor,
        SourceDescriptor,
        StoreDescriptor,
        ValidatorDescriptor,
    )

PROJECT = "mlforge"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as one of the hooks below: nobody calls one without it."""


@hookspec
def mlforge_engines() -> Iterable[EngineDescriptor]:  # type: ignore[empty-body]
    """The engines this plugin brings."""


@hookspec
def mlforge_stores() -> Iterable[StoreDescriptor]:  # type: ignore[empty-body]
    """The offline stores this plugin brings."""


@hookspec
def mlforge_online_stores() -> Iterable[OnlineStoreDescriptor]:  # type: ignore[empty-body]
    """The online stores this plugin brings."""


@hookspec
def mlforge_sources() -> Iterable[SourceDescriptor]:  # type: ignore[empty-body]
    """The kinds of sources this plugin brings."""


@hookspec
def mlforge_validators() -> Iterable[ValidatorDescriptor]:  # type: ignore[empty-body]
    """The validators this plugin brings."""


@hookspec
def mlforge_metrics() -> Iterable[MetricDescriptor]:  # type: ignore[empty-body]
    """The metrics this plugin brings."""


@hookspec
def mlforge_observers() -> Iterable[ObserverDescriptor]:  # type: ignore[empty-body]
    """The observers this plugin brings."""


@hookspec
def mlforge_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """The CLI commands this plugin brings."""


@hookspec
def mlforge_feature_built(result: Any) -> None:
    """A feature's build has ended, well or badly; `result` is a `BuildResult`.

    An error raised here is logged; who takes longer than five seconds is waited for no more.
    """


@hookspec
def mlforge_build_finished(report: Any) -> None:
    """A build of several features has ended; `report` is a `BuildReport`. It is called as the one above is."""
