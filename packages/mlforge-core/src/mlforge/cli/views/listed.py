"""Lists: a line for each."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.cli.again import again
from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Cell, ColumnHead, Styled, columns, say, table
from mlforge.cli.views.wording import NONE, listing, readable
from mlforge.model.feature import Feature
from mlforge.model.meta import Manifest
from mlforge.model.request import RequestFeature


def features(found: Sequence[Feature]) -> None:
    """A line for each feature."""
    heads = columns("*feature", "keys", "source", "tags", "*description")
    rows = [(f.name, listing(f.shape.key_names), f.source.name, listing(f.tags), f.description or NONE) for f in found]
    _table_or(heads, rows, "No feature fits.")


def requests(found: Sequence[RequestFeature]) -> None:
    """A line for each request feature; nothing where there are none."""
    if not found:
        return
    say()
    heads = columns("*request feature", "inputs", "uses", "*columns", "*description")
    rows = [
        (f.name, listing(f.inputs), listing(s.name for s in f.uses), listing(f.columns), f.description or NONE)
        for f in found
    ]
    table(heads, rows)


def sets(found: Sequence[Document]) -> None:
    """A line for each feature set."""
    heads = columns("*set", "*features", "tags", "owner", "*description")
    rows = [
        (
            s["name"],
            listing([f"{f['name']}@{f['version']}" if f["version"] else f["name"] for f in s["features"]]),
            listing(s["tags"]),
            s["owner"] or NONE,
            s["description"] or NONE,
        )
        for s in found
    ]
    _table_or(heads, rows, "There are no feature sets: Definitions(…, feature_sets=[…])")


def entities(found: Sequence[Document]) -> None:
    """A line for each entity."""
    heads = columns("*entity", "keys", "made of", "*features")
    rows = [(e["name"], listing(e["keys"]), listing(e["from_columns"]), listing(e["features"])) for e in found]
    _table_or(heads, rows, "There are no entities.")


def sources(found: Sequence[Document]) -> None:
    """A line for each source."""
    heads = columns("*source", "*path", "format", "*features")
    rows = [(s["name"], s["path"], s["format"] or NONE, listing(s["features"])) for s in found]
    _table_or(heads, rows, "There are no sources.")


def tags(found: Sequence[Document]) -> None:
    """A line for each tag."""
    _table_or(
        columns("tag", "*features"),
        [(t["name"], listing(t["features"])) for t in found],
        "No feature has a tag.",
    )


def all_versions(found: Sequence[Document]) -> None:
    """A line for each feature: the version readers get, and which there are."""
    heads = columns("*feature", "latest", "*versions")
    rows = [(v["feature"], v["latest"] or NONE, listing(v["versions"])) for v in found]
    _table_or(heads, rows, "There are no features.")


def manifest(found: Manifest) -> None:
    """Every built feature at a glance."""
    heads = columns("*feature", "latest", ">versions", ">rows", ">columns", "built", "*tags")
    rows = [
        (
            name,
            e.latest,
            *(f"{n:,}" for n in (len(e.versions), e.row_count, len(e.columns))),
            readable(e.updated_at),
            listing(e.tags),
        )
        for name, e in found.features.items()
    ]
    _table_or(heads, rows, again("Nothing has been built yet: mlforge build"))
    if rows:
        say()
        say(Styled(f"As of {readable(found.generated_at)}.", "dim"))


def _table_or(heads: Sequence[ColumnHead], rows: Sequence[Sequence[Cell]], otherwise: str) -> None:
    if rows:
        table(heads, rows)
    else:
        say(otherwise)
