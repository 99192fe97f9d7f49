"""Planning: who builds what with what, and whether they fit, before any work. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from mlforge.errors import MlforgeError, Unsupported
from mlforge.model.aggregation import part_of
from mlforge.model.feature import Feature
from mlforge.model.source import format_name
from mlforge.plugin.config import EngineConfig, OnlineStoreConfig, StoreConfig
from mlforge.plugin.descriptors import EngineDescriptor, OnlineStoreDescriptor, SourceDescriptor, StoreDescriptor
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.hints import missing
from mlforge.plugin.registry import registry
from mlforge.project.project import Settings, default_engine, engine_config


class Job(msgspec.Struct, frozen=True):
    """A feature with the engine that builds it and the format that engine and store share."""

    feature: Feature
    engine: EngineConfig
    format: str


def plan_job(feature: Feature, settings: Settings, engine: EngineConfig | None) -> Job:
    """Match a feature with an engine and a format.

    The engine is the one asked for, or the feature's own, or the project's, or the default.

    Raises:
        Unsupported: The engine cannot compute the metrics, or cannot write where and what the store keeps.
        NotInstalled: There is no such engine.
    """
    own = engine_config(feature.engine) if feature.engine is not None else None
    chosen = engine or own or settings.engine or default_engine()
    announced = registry().get(EngineDescriptor, chosen.kind)
    _refuse_metrics(feature, announced)
    return Job(feature, chosen, _shared_format(announced, settings.offline_store))


def check_scan(scan: Scan, scheme: str, engine: EngineDescriptor) -> None:
    """Refuse a source the engine cannot read. Raises `Unsupported` with the reason the engine gives."""
    name = format_name(scan.format)
    if scan.rows is not None and "arrow" in engine.reads:
        return
    if name not in engine.reads:
        if scan.rows is None and "arrow" in engine.reads and (absent := _absent(name, scheme)):
            raise absent
        what = f"cannot read {name} files, which the source {scan.name!r} is made of"
        raise _refusal(engine, name, what, lambda e: name in e.reads, "Write it as Parquet.")
    if scheme not in engine.schemes:
        what = f"cannot read {scheme}:// addresses, where the source {scan.name!r} is"
        raise _refusal(engine, scheme, what, lambda e: scheme in e.schemes, "Copy its files into a folder here.")
    if scheme != "file" and scan.objects is None and (absent := _absent(scheme)):
        raise absent


def check_publishing(online: OnlineStoreConfig, offline: StoreConfig) -> None:
    """Refuse an online store that is not published from the offline store. Raises `Unsupported`."""
    able = registry().get(OnlineStoreDescriptor, online.kind).publishes_from
    if able and offline.kind not in able:
        raise Unsupported(
            f"The online store {online.kind!r} is published from {' or '.join(able)}, and the offline store is "
            f"{offline.kind!r}.",
            hint=f"Set offline_store: {{KIND: {able[0]}, …}}, or choose another online store, such as sqlite.",
        )


def _absent(*words: str) -> MlforgeError | None:
    """The error for a kind of source that a distribution would bring which is not here; None where that is not it."""
    known = registry()
    absent = (word for word in words if word not in known.of(SourceDescriptor))
    found = (known.trouble(SourceDescriptor, word) or missing("source", word) for word in absent)
    return next((error for error in found if error), None)


def _refuse_metrics(feature: Feature, engine: EngineDescriptor) -> None:
    for column in feature.plan.columns if feature.plan else ():
        for function in (part_of(a.function) for a in column.aggs):
            if function not in engine.aggregations:
                what = f"cannot compute {function!r}, which {column.name!r} needs"
                able = partial(_computes, function)
                raise _refusal(engine, function, what, able, f"It computes {', '.join(sorted(engine.aggregations))}.")


def _computes(function: str, engine: EngineDescriptor) -> bool:
    return function in engine.aggregations


def _shared_format(engine: EngineDescriptor, store: StoreConfig) -> str:
    kept = registry().get(StoreDescriptor, store.kind)
    shared = next((f for f in kept.formats if f in engine.writes), None)
    way = 'Choose another store, such as LocalStore("feature_store").'
    if shared is None:
        what = f"cannot write {' or '.join(kept.formats)}, which the store keeps"
        raise _refusal(engine, kept.formats[0], what, lambda e: bool(e.writes & {*kept.formats}), way)
    if kept.scheme not in engine.schemes:
        what = f"cannot write to {kept.scheme} addresses, which the store gives out"
        raise _refusal(engine, kept.scheme, what, lambda e: kept.scheme in e.schemes, way)
    return shared


def _refusal(
    engine: EngineDescriptor, ability: str, what: str, able: Callable[[EngineDescriptor], bool], otherwise: str
) -> Unsupported:
    """The error for a pairing that cannot work. Its hint names only engines that are able, and else the way out."""
    lack = engine.lacks.get(ability)
    others = [name for name, other in registry().of(EngineDescriptor).items() if name != engine.name and able(other)]
    way = f'Choose another engine: engine="{others[0]}".' if others else lack.reason if lack else otherwise
    return Unsupported(f"The engine {engine.name!r} {what}.", hint=way)
