"""What people see of each answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mlforge.cli.documents import Document
from mlforge.cli.terminal import GAP, Cell, Column, Styled, columns, facts, fitting, say, table
from mlforge.model.feature import Feature
from mlforge.model.meta import Change, FeatureMeta, Manifest, Part
from mlforge.model.schema import Column as SchemaColumn
from mlforge.model.span import Span, shown
from mlforge.plugin.stores import Pruned

NONE = "–"
_REASONS = {
    "first_build": "first build",
    "removed_metrics": "metrics removed",
    "removed_columns": "columns removed",
    "changed_dtypes": "types changed",
    "added_metrics": "metrics added",
    "added_columns": "columns added",
    "config_changed": "definition changed",
    "logic_changed": "function changed",
    "terms_changed": "terms changed",
    "data_refresh": "data refreshed",
}
_CHOSEN_BY = {
    "flag": "--profile names it",
    "variable": "MLFORGE_PROFILE names it",
    "definitions": "the definitions name it",
    "default": "it is the default_profile",
}


def because(change: Change | None) -> str:
    """Why a version got its number: `columns added: spend_7d, spend_30d`."""
    if change is None:
        return NONE
    reason = _REASONS.get(change.reason, change.reason.replace("_", " "))
    return f"{reason}: {', '.join(change.details)}" if change.details else reason


def joined(words: Iterable[str]) -> str:
    """Words with commas between them."""
    return ", ".join(words) or NONE


def spent(seconds: float) -> str:
    """`3.2 s`, or `2 min 5 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def instant(text: str) -> str:
    """`2026-01-05T12:00:00Z` as `2026-01-05 12:00:00 UTC`."""
    return text.replace("T", " ").replace("Z", " UTC")


def plain(value: Any) -> str:
    """A value in a cell: short, and unlike any other."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return text if len(text) <= 32 else f"{text[:31]}…"


def features(found: Sequence[Feature]) -> None:
    """A line for each feature."""
    heads = columns("*feature", "keys", "source", "tags", "*description")
    rows = [(f.name, joined(f.shape.key_names), f.source.name, joined(f.tags), f.description or NONE) for f in found]
    _table_or(heads, rows, "No feature fits.")


def entities(found: Sequence[Document]) -> None:
    """A line for each entity."""
    heads = columns("*entity", "keys", "made of", "*features")
    rows = [(e["name"], joined(e["keys"]), joined(e["from_columns"]), joined(e["features"])) for e in found]
    _table_or(heads, rows, "There are no entities.")


def sources(found: Sequence[Document]) -> None:
    """A line for each source."""
    heads = columns("*source", "*path", "format", "*features")
    rows = [(s["name"], s["path"], s["format"] or NONE, joined(s["features"])) for s in found]
    _table_or(heads, rows, "There are no sources.")


def tags(found: Sequence[Document]) -> None:
    """A line for each tag."""
    _table_or(
        columns("tag", "*features"),
        [(t["name"], joined(t["features"])) for t in found],
        "No feature has a tag.",
    )


def all_versions(found: Sequence[Document]) -> None:
    """A line for each feature: the version readers get, and which there are."""
    heads = columns("*feature", "latest", "*versions")
    rows = [(v["feature"], v["latest"] or NONE, joined(v["versions"])) for v in found]
    _table_or(heads, rows, "There are no features.")


def versions(name: str, latest: str | None, history: Sequence[FeatureMeta]) -> None:
    """A line for each version of a feature, the newest first."""
    say(Styled(name, "bold"), f"  readers get {latest}")
    say()
    heads = columns("version", "built", ">rows", "engine", "*why")
    table(heads, [_version_row(m, latest) for m in reversed(history)], indent=2)


def definition(found: Feature) -> None:
    """A feature as it is defined."""
    say(Styled(found.name, "bold"), "  feature")
    if found.description:
        say(found.description)
    say()
    facts(_definition_facts(found))
    if found.checks:
        say()
        table(columns("column", "*promises"), [(c.column, c.label) for c in found.checks], indent=2)


def unbuilt(found: Feature) -> None:
    """What a feature that was never built will have."""
    if found.plan:
        say()
        heads = columns("column", "*is")
        table(heads, [(c.name, _made(c.column)) for c in found.plan.columns], indent=2)
    say()
    say(f"Not built yet: mlforge build --features {found.name}")


def stored(meta: FeatureMeta, latest: str | None) -> None:
    """A version as it is kept."""
    say()
    readers = "the one readers get" if meta.version == latest else f"readers get {latest}"
    say(Styled(f"{meta.name} {meta.version}", "bold"), f"  {readers}")
    say()
    facts(_stored_facts(meta))
    if len(meta.parts) > 1:
        say()
        parts = [(p.path, p.role, _rows(p), _size(p.bytes), p.hash[:16]) for p in meta.parts]
        table(columns("*part", "holds", ">rows", ">size", "*SHA-256"), parts, indent=2)
    say()
    rows = [(c.name, c.dtype, _role(c.name, meta) or _made(c)) for c in meta.columns]
    table(columns("column", "type", "*is"), rows, indent=2)


def entity(found: Document) -> None:
    """An entity and its features."""
    _named(found["name"], "entity")
    made = [("made of", joined(found["from_columns"]))] if found["from_columns"] else []
    facts([("keys", joined(found["keys"])), *made, ("features", joined(found["features"]))])


def source(found: Document) -> None:
    """A source and its features."""
    _named(found["name"], "source")
    facts([
        ("path", found["path"]),
        ("format", found["format"] or "told from the files"),
        ("features", joined(found["features"])),
    ])  # fmt: skip


def manifest(found: Manifest) -> None:
    """Every built feature at a glance."""
    heads = columns("*feature", "latest", ">versions", ">rows", ">columns", "built", "*tags")
    rows = [
        (
            name,
            e.latest,
            *(f"{n:,}" for n in (len(e.versions), e.row_count, len(e.columns))),
            instant(e.updated_at),
            joined(e.tags),
        )
        for name, e in found.features.items()
    ]
    _table_or(heads, rows, "Nothing has been built yet: mlforge build")
    if rows:
        say()
        say(Styled(f"As of {instant(found.generated_at)}.", "dim"))


def difference(found: Document) -> None:
    """What changed between two versions, in words."""
    say(Styled(found["feature"], "bold"), f"  {found['before']} → {found['after']}  {found['bump']}")
    say()
    facts([
        ("function", "changed" if found["logic"] else "the same"),
        ("source", "changed" if found["source"] else "the same"),
        ("rows", _from_to(*(f"{n:,}" for n in found["rows"]))),
        ("content", "the same" if found["same_content"] else "changed"),
        *(("definition", line) for line in found["config"]),
    ])  # fmt: skip
    if found["columns"]:
        say()
        heads = columns("column", "before", "after")
        table(heads, [(n, a or NONE, b or "gone") for n, (a, b) in found["columns"].items()], indent=2)


def rolled_back(
    name: str, before: str | None, version: str, *, online: bool = False, profile: str | None = None
) -> None:
    """Which version readers get now, and how to undo it."""
    served = f" {version} is served online, too." if online else ""
    if before in (None, version):
        say(Styled(f"{name}: ", "bold"), f"readers get {version}.{served}")
        return
    say(Styled(f"{name}: ", "bold"), f"readers get {version} now; they got {before}.{served}")
    options = f"{' --online' if online else ''}{f' --profile {profile}' if profile else ''}"
    say(f"To undo it: mlforge rollback {name} {before}{options}")


def pruned(name: str, found: Pruned) -> None:
    """Which versions went, and how much that freed."""
    if not found.versions:
        say(
            Styled(f"{name}: ", "bold"),
            f"no version to remove{f'; {_size(found.bytes)} freed' if found.bytes else ''}.",
        )
        return
    say(Styled(f"{name}: ", "bold"), f"{joined(found.versions)} removed, {_size(found.bytes)} freed.")


def profile(found: Document) -> None:
    """The profiles, and what is in use."""
    if found["file"] is None:
        say("There is no mlforge.yaml: everything is as the definitions say.")
    else:
        marks = [(Styled(p, "bold") if p == found["in_use"] else p) for p in found["profiles"]]
        table(columns("profile", "*"), [(m, _use(found, m)) for m in marks])
        if found["in_use"] is None:
            say()
            say("None is in use: no flag, no MLFORGE_PROFILE, no default_profile.")
    say()
    facts([(n, _setting(s, n)) for n, s in found["settings"].items()], indent=0)


def plugins(found: Document) -> None:
    """What is installed, what is broken, and what is claimed twice."""
    for number, plugin in enumerate(found["plugins"]):
        if number:
            say()
        say(Styled(plugin["name"], "bold"), f"  {plugin['distribution']} {plugin['version']}")
        if plugin["error"]:
            say(Styled("  broken: ", "red"), plugin["error"])
        facts(_brought(plugin["brings"]))
    for rival in found["conflicts"]:
        say()
        claimants = " and ".join(rival["distributions"])
        say(Styled("Conflict: ", "red"), f"the {rival['role']} {rival['name']!r} is claimed by {claimants}.")
        say(f"Neither is used. Uninstall one of them: pip uninstall {rival['distributions'][-1]}")


def preview(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The first rows of a version, as many columns as fit."""
    headers = list(rows[0])
    cells = [[plain(row[h]) for h in headers] for row in rows]
    count = fitting(headers, cells, indent=2)
    numbers = [all(isinstance(r[h], int | float) or r[h] is None for r in rows) for h in headers]
    heads = [Column(h, "right" if n else "left") for h, n in zip(headers, numbers, strict=True)]
    say()
    say(Styled(name, "bold"), Styled(f"  first {len(rows)} rows", "dim"))
    table(heads[:count], [row[:count] for row in cells], indent=2)
    if left := headers[count:]:
        say(" " * GAP, Styled(f"and {_counted(len(left), 'column')} more: {joined(left)}", "dim"))


def _table_or(heads: Sequence[Column], rows: Sequence[Sequence[Cell]], otherwise: str) -> None:
    if rows:
        table(heads, rows)
    else:
        say(otherwise)


def _named(name: str, what: str) -> None:
    say(Styled(name, "bold"), f"  {what}")
    say()


def _definition_facts(found: Feature) -> list[tuple[str, Cell]]:
    given: list[tuple[str, Any]] = [
        ("entities", joined(e.name for e in found.entities)),
        ("keys", joined(found.shape.key_names)),
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
        ("built", f"{instant(meta.created_at)} by {meta.engine or 'an engine'}, mlforge {meta.mlforge_version}"),
        ("why", because(meta.change_summary)),
        ("range", _range(meta)),
        ("watermark", "" if meta.watermark is None else shown(meta.watermark)),
        ("rows", f"{meta.row_count:,}"),
        ("dropped", dropped(meta.dropped_rows)),
        ("files", _counted(len(meta.parts), "file") + f", {_size(sum(p.bytes for p in meta.parts))}"),
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


def dropped(rows: int) -> str:
    """`12 rows dropped: null key`; nothing where none were."""
    return f"{_counted(rows, 'row')} dropped: null key" if rows else ""


def _version_row(meta: FeatureMeta, latest: str | None) -> tuple[Cell, ...]:
    version: Cell = Styled(meta.version, "bold green") if meta.version == latest else meta.version
    rows = f"{meta.row_count:,}"
    return version, instant(meta.created_at), rows, meta.engine or NONE, because(meta.change_summary)


def _role(column: str, meta: FeatureMeta) -> str:
    if column in meta.entity_keys:
        return "key"
    return "timestamp" if column == meta.timestamp else ""


def _made(column: SchemaColumn) -> str:
    """How a metric made a column, in words."""
    how = f"{column.aggregation} over {column.window}" if column.aggregation else ""
    return ", ".join(w for w in (how, column.unit or "", column.description or "") if w)


def _use(found: Document, profile: Cell) -> str:
    name = profile.text if isinstance(profile, Styled) else profile
    return f"in use: {_CHOSEN_BY[found['why']]}" if name == found["in_use"] else ""


def _setting(settings: Mapping[str, Any] | None, what: str) -> str:
    if settings is None:
        return "the default" if what == "engine" else "none"
    details = [f"{k}: {v}" for k, v in settings.items() if k != "KIND"]
    return "  ".join([settings["KIND"], *details])


def _brought(brings: Sequence[Mapping[str, str]]) -> list[tuple[str, Cell]]:
    roles: dict[str, list[str]] = {}
    for found in brings:
        roles.setdefault(found["role"], []).append(found["name"])
    return [(role, joined(names)) for role, names in roles.items()]


def _from_to(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(count: int) -> str:
    """Bytes as people say them."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
