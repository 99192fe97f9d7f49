"""One feature, set, entity or source, with all there is to know about it."""

from __future__ import annotations

from typing import Any

from mlforge.cli.again import again
from mlforge.cli.views.documents import Document
from mlforge.cli.views.expressions import written
from mlforge.cli.views.terminal import Cell, Styled, columns, facts, say, table
from mlforge.cli.views.wording import NONE, because, dropped, listing, readable, size
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.field import told
from mlforge.model.meta import FeatureMeta, Part
from mlforge.model.request import RequestFeature
from mlforge.model.schema import Column
from mlforge.model.span import Span, shown
from mlforge.model.text import number_of


def definition(found: Feature) -> None:
    """A feature as it is defined."""
    say(Styled(found.name, "bold"), "  feature")
    if found.description:
        say(found.description)
    say()
    facts(_definition_facts(found))
    if found.derived:
        say()
        rows = [(name, written(expr)) for name, expr in found.derived.items()]
        table(columns("column", "*derived of"), rows, indent=2)
    if found.checks:
        say()
        table(columns("column", "*promises"), [(c.column, c.label) for c in found.checks], indent=2)


def unbuilt(found: Feature) -> None:
    """What a feature that was never built will have."""
    if found.plan:
        say()
        heads = columns("column", "*is")
        said = {c.name: c.column for c in found.plan.columns}
        shown = [(c.name, _made(c)) for c in told(said.values(), found.fields)]
        table(heads, shown, indent=2)
    say()
    say(again(f"Not built yet: mlforge build --features {found.name}"))


def stored(meta: FeatureMeta, latest: str | None) -> None:
    """A version as it is kept."""
    say()
    readers = "the one readers get" if meta.version == latest else f"readers get {latest}"
    say(Styled(f"{meta.name} {meta.version}", "bold"), f"  {readers}")
    say()
    facts(_stored_facts(meta))
    if len(meta.parts) > 1:
        say()
        parts = [(p.path, p.role, _rows(p), size(p.bytes), p.hash[:16]) for p in meta.parts]
        table(columns("*part", "holds", ">rows", ">size", "*SHA-256"), parts, indent=2)
    say()
    rows = [(c.name, c.dtype, _role(c.name, meta) or _made(c)) for c in meta.columns]
    exprs = meta.expressions
    rows += [(c.name, c.dtype, _told([f"derived: {written(exprs[c.name])}"], c)) for c in meta.derived]
    table(columns("column", "type", "*is"), rows, indent=2)


def request(found: RequestFeature) -> None:
    """A request feature: what it takes, what it uses, and what it is computed of."""
    _named(found.name, "request feature")
    if found.description:
        say(found.description)
        say()
    facts([
        ("inputs", listing(f"{name} {dtype}" for name, dtype in found.inputs.items())),
        ("uses", listing(map(use, found.uses))),
        *((name, value) for name, value in (("tags", ", ".join(found.tags)), ("owner", found.owner)) if value),
    ])  # fmt: skip
    say()
    fields = {f.name: f for f in found.fields}
    columns_of = [
        (name, _told([written(expr)], fields[name].on(Column(name, "")) if name in fields else Column(name, "")))
        for name, expr in found.columns.items()
    ]
    table(columns("column", "*is"), columns_of, indent=2)


def use(spec: FeatureSpec) -> str:
    """A feature that is used: `user_spend@1.0.0 (spend_7d)`."""
    version = f"@{spec.version}" if spec.version else ""
    return f"{spec.name}{version}{f' ({listing(spec.columns)})' if spec.columns else ''}"


def feature_set(found: Document) -> None:
    """A feature set and what it names of each feature."""
    _named(found["name"], "feature set")
    given = [("about", found["description"]), ("tags", ", ".join(found["tags"])), ("owner", found["owner"])]
    if told := [(name, value) for name, value in given if value]:
        facts(told)
        say()
    rows = [
        (f["name"], NONE if f["computed"] else f["version"] or "latest", _built(f), listing(f["columns"] or ["all"]))
        for f in found["features"]
    ]
    table(columns("*feature", "version", "built", "*columns"), rows, indent=2)


def _built(found: Document) -> str:
    return "computed when asked for" if found["computed"] else found["latest"] or "not built"


def entity(found: Document) -> None:
    """An entity and its features."""
    _named(found["name"], "entity")
    made = [("made of", listing(found["from_columns"]))] if found["from_columns"] else []
    facts([("keys", listing(found["keys"])), *made, ("features", listing(found["features"]))])


def source(found: Document) -> None:
    """A source and its features."""
    _named(found["name"], "source")
    facts([
        ("path", found["path"]),
        ("format", found["format"] or "told from the files"),
        ("features", listing(found["features"])),
    ])  # fmt: skip


def _named(name: str, what: str) -> None:
    say(Styled(name, "bold"), f"  {what}")
    say()


def _definition_facts(found: Feature) -> list[tuple[str, Cell]]:
    given: list[tuple[str, Any]] = [
        ("entities", listing(e.name for e in found.entities)),
        ("keys", listing(found.shape.key_names)),
        ("source", found.source.path),
        ("timestamp", found.shape.stamp),
        ("interval", found.interval),
        ("max_age", found.max_age),
        ("tie_break", found.tie_break),
        ("online_horizon", found.online_horizon),
        ("incremental", found.incremental and "yes"),
        ("tags", ", ".join(found.tags)),
        ("owner", found.owner),
    ]
    return [(name, str(value)) for name, value in given if value]


def _stored_facts(meta: FeatureMeta) -> list[tuple[str, Cell]]:
    given: list[tuple[str, Any]] = [
        ("built", f"{readable(meta.created_at)} by {meta.engine or 'an engine'}, mlforge {meta.mlforge_version}"),
        ("why", because(meta.change_summary)),
        ("range", _range(meta)),
        ("watermark", "" if meta.watermark is None else shown(meta.watermark)),
        ("rows", f"{meta.row_count:,}"),
        ("dropped", dropped(meta.dropped_rows)),
        ("files", number_of(len(meta.parts), "file") + f", {size(sum(p.bytes for p in meta.parts))}"),
        ("content", meta.content_hash),
    ]
    return [(name, value) for name, value in given if value]


def _range(meta: FeatureMeta) -> str:
    """`events from 2026-01-31, continues 1.0.0`; nothing for a version that was built whole."""
    step = meta.increment
    if step is None:
        return ""
    onto = f", continues {step.base}" if step.base else ""
    return f"events {Span(step.since, step.until)}{onto}"


def _rows(part: Part) -> str:
    return NONE if part.rows < 0 else f"{part.rows:,}"


def _role(column: str, meta: FeatureMeta) -> str:
    if column in meta.entity_keys:
        return "key"
    return "timestamp" if column == meta.timestamp else ""


def _made(column: Column) -> str:
    """How a metric made a column, in words."""
    return _told([f"{column.aggregation} over {column.window}"] if column.aggregation else [], column)


def _told(words: list[str], column: Column) -> str:
    """Words, and what is said of a column."""
    return ", ".join(w for w in (*words, column.unit or "", column.description or "") if w)
