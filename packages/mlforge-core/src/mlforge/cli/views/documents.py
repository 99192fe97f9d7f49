"""What `--json` answers: plain documents made of nouns, with secrets masked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from mlforge.model.entity import Entity
from mlforge.model.feature import Feature
from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta, VersionSummary
from mlforge.model.plain import plain
from mlforge.model.request import RequestFeature
from mlforge.model.source import Source, format_name
from mlforge.plugin.claims import rivalry
from mlforge.plugin.config import Config
from mlforge.plugin.hints import CORE

if TYPE_CHECKING:
    from mlforge.flow.building.build_report import BuildReport
    from mlforge.flow.explaining.explanation import Explanation
    from mlforge.flow.online.publish_report import PublishReport
    from mlforge.flow.online.replay_report import ReplayReport
    from mlforge.flow.planning.plans import ChangePlan
    from mlforge.flow.versions.diff import Diff
    from mlforge.flow.versions.locks import LockReport
    from mlforge.plugin.registry import Registry
    from mlforge.project.profiles import ProfileFile
    from mlforge.project.project import Settings

Document = dict[str, Any]


def encode(document: object) -> str:
    """Indented JSON and a line's end. What JSON has no word for is written as text."""
    try:
        encoded = msgspec.json.encode(document, enc_hook=str)
    except UnicodeEncodeError:  # such as a path that is no UTF-8
        encoded = msgspec.json.encode(_told(msgspec.to_builtins(document, enc_hook=str)))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _told(value: Any) -> Any:
    """The same with what UTF-8 has no word for as Python writes it."""
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_told(k): _told(v) for k, v in value.items()}
        case list() | tuple():
            return [_told(one) for one in value]
        case _:
            return value


def report(found: BuildReport) -> Document:
    """How a build or a validation fared."""
    online = {} if found.published is None else {"published": found.published.results}
    return {"ok": found.ok, "seconds": found.seconds, "results": found.results, **online}


def published(found: PublishReport) -> Document:
    """How a publishing fared."""
    return {"ok": found.ok, "seconds": found.seconds, "results": found.results}


def replayed(found: ReplayReport) -> Document:
    """How what is served compares."""
    return {"ok": found.ok, "results": [{"share": r.share, **structs.asdict(r)} for r in found]}


def feature(found: Feature) -> Document:
    """A feature's definition."""
    return {
        "name": found.name,
        "description": found.description,
        "owner": found.owner,
        "tags": found.tags,
        "entities": [e.name for e in found.entities],
        "keys": found.shape.key_names,
        "source": found.source.name,
        "path": found.source.path,
        "timestamp": found.shape.stamp,
        "interval": None if found.interval is None else str(found.interval),
        "max_age": None if found.max_age is None else str(found.max_age),
        "tie_break": found.tie_break,
        "online_horizon": None if found.online_horizon is None else str(found.online_horizon),
        "incremental": found.incremental,
        "engine": engine_name(found.engine),
        "metrics": [_metric(c) for c in found.plan.columns] if found.plan else [],
        "derived": {name: plain(expr) for name, expr in found.derived.items()},
        "fields": found.fields,
        "validators": [{"column": c.column, "label": c.label} for c in found.checks],
    }


def request(found: RequestFeature) -> Document:
    """A request feature's definition."""
    columns = {name: plain(expr) for name, expr in found.columns.items()}
    return {**structs.asdict(found), "columns": columns}


def feature_set(found: FeatureSet) -> Document:
    """A feature set, and what it names of each feature."""
    return {
        "name": found.name,
        "description": found.description,
        "owner": found.owner,
        "tags": found.tags,
        "features": [{"name": s.name, "version": s.version, "columns": s.columns} for s in found.specs],
    }


def checked_lock(found: LockReport) -> Document:
    """How a lock stands."""
    return {"ok": found.ok, "name": found.name, "policy": found.policy, "features": found.features}


def change_plan(found: ChangePlan) -> Document:
    """What the definitions would change."""
    return {"ok": found.ok, "breaks": found.breaks, **structs.asdict(found)}


def engine_name(engine: Any) -> str | None:
    """The engine a feature asks for, by its name alone."""
    if isinstance(engine, Config):
        return engine.kind
    name = engine.get("KIND") if isinstance(engine, dict) else engine
    return None if name is None else str(name)


def entity(found: Entity, features: Iterable[Feature]) -> Document:
    """An entity, and which of the features are about it."""
    return {
        "name": found.name,
        "keys": [k.name for k in found.keys],
        "from_columns": found.from_columns,
        "features": [f.name for f in features if found.name in {e.name for e in f.entities}],
    }


def source(found: Source, features: Iterable[Feature]) -> Document:
    """A source, and which of the features read it."""
    known = found.infer_format()
    return {
        "name": found.name,
        "path": found.path,
        "format": None if known is None else format_name(known),
        "scheme": found.scheme,
        "features": [f.name for f in features if f.source.name == found.name],
    }


def tags(features: Iterable[Feature]) -> list[Document]:
    """Every tag with the features that have it."""
    found: dict[str, list[str]] = {}
    for one in features:
        for tag in one.tags:
            found.setdefault(tag, []).append(one.name)
    return [{"name": t, "features": found[t]} for t in sorted(found)]


def versions(name: str, latest: str | None, history: Sequence[FeatureMeta | VersionSummary]) -> Document:
    """The versions of a feature, oldest first."""
    return {"feature": name, "latest": latest, "versions": history}


def explanation(found: Explanation) -> Document:
    """What a value is made of, and whether recomputing gives the same."""
    said = {"why": found.why, "verdict": found.verdict, "agrees": found.agrees}
    return {**msgspec.structs.asdict(found), **said}


def difference(found: Diff) -> Document:
    """How two versions differ."""
    return {"bump": found.bump, **msgspec.to_builtins(found)}


def masked(config: Config | None) -> Document | None:
    """A config's settings, its secrets hidden."""
    return None if config is None else {"KIND": config.kind, **dict(config.__rich_repr__())}


def profile(definitions: str | None, file: ProfileFile | None, settings: Settings, why: str) -> Document:
    """The definitions' file, the profiles, the one in use, and what is resolved from it and from the definitions."""
    return {
        "definitions": definitions,
        "file": None if file is None else str(file.path),
        "profiles": list(file.profiles) if file else [],
        "in_use": settings.profile,
        "why": why,
        "settings": {
            "engine": masked(settings.engine),
            "offline_store": masked(settings.offline_store),
            "online_store": masked(settings.online_store),
        },
        "observers": list(map(masked, settings.observers)),
    }


def plugins(found: Registry, commands: Collection[str] = ()) -> Document:
    """The installed plugins, and the names that several of them claim, or one and the core's `commands`."""
    hidden = [(c.name, p.distribution) for p in found.plugins for c in p.brings if c.role == "command"]
    taken = [rivalry("command", name, [CORE, by]) for name, by in hidden if name in commands]
    rivals = [*found.rivals(), *taken]
    return {
        "plugins": [
            {
                "name": p.name,
                "distribution": p.distribution,
                "version": p.version,
                "error": p.error,
                "advice": p.hint,
                "brings": [{"role": d.role, "name": d.name, "summary": d.summary} for d in p.brings],
            }
            for p in found.plugins
        ],
        "conflicts": [
            {"role": r.role, "name": r.name, "distributions": r.distributions, "used": r.used, "advice": r.advice}
            for r in rivals
        ],
    }


def _metric(column: Any) -> Mapping[str, Any]:
    return {
        "name": column.name,
        "aggregation": column.aggregation,
        "window": str(column.window),
        "description": column.description,
        "unit": column.unit,
    }
