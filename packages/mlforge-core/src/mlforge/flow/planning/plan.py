"""Planning: who builds what with what, and whether they fit, before any work. Pure."""

from __future__ import annotations

import msgspec

from mlforge.errors import Unsupported
from mlforge.model.feature import Feature
from mlforge.model.source import format_name
from mlforge.plugin.config import EngineConfig, StoreConfig
from mlforge.plugin.descriptors import EngineDescriptor, StoreDescriptor
from mlforge.plugin.engine.frames import Scan
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
    if name not in engine.reads:
        raise _refusal(engine, name, f"cannot read {name} files, which the source {scan.name!r} is made of")
    if scheme not in engine.schemes:
        raise _refusal(engine, scheme, f"cannot read {scheme}:// addresses, where the source {scan.name!r} is")


def _refuse_metrics(feature: Feature, engine: EngineDescriptor) -> None:
    for column in feature.plan.columns if feature.plan else ():
        for agg in column.aggs:
            if agg.function not in engine.aggregations:
                raise _refusal(engine, agg.function, f"cannot compute {agg.function!r}, which {column.name!r} needs")


def _shared_format(engine: EngineDescriptor, store: StoreConfig) -> str:
    kept = registry().get(StoreDescriptor, store.kind)
    shared = next((f for f in kept.formats if f in engine.writes), None)
    if shared is None:
        raise _refusal(engine, kept.formats[0], f"cannot write {' or '.join(kept.formats)}, which the store keeps")
    if kept.scheme not in engine.schemes:
        raise _refusal(engine, kept.scheme, f"cannot write to {kept.scheme} addresses, which the store gives out")
    return shared


def _refusal(engine: EngineDescriptor, ability: str, what: str) -> Unsupported:
    lack = engine.lacks.get(ability)
    others = [n for n in registry().of(EngineDescriptor) if n != engine.name]
    hint = f"Another engine may: {', '.join(others)}." if others else "Choose another engine: mlforge plugins"
    return Unsupported(f"The engine {engine.name!r} {what}.", hint=f"{lack.reason} {hint}" if lack else hint)
