"""A version's rows from the layers that it and earlier versions wrote: the last word on each key and stamp counts."""

from __future__ import annotations

from mlforge.model.meta import Artifact, Layer
from mlforge.testing.reference import files
from mlforge.testing.reference.shaping import key_of, sort_key
from mlforge.testing.reference.table import Row, Table
from mlforge.testing.reference.telling import about


def read(artifact: Artifact) -> Table:
    """The rows, in the order they were written where there is one layer, else by keys and stamp.

    Raises `PluginFailed` where a file cannot be read, naming the version.
    """
    first, *later = artifact.layers
    with about(f"{artifact.meta.name!r} {artifact.meta.version} cannot be read"):
        table = files.concat([files.read(uri) for uri in first.rows])
        return overlaid(table, later, artifact.meta.identity) if later else table


def overlaid(table: Table, layers: list[Layer], identity: tuple[str, ...]) -> Table:
    """The rows of a first layer, under what later ones brought and took away."""
    rows: dict[tuple[object, ...], Row] = {key_of(row, identity): row for row in table.rows}
    for layer in layers:
        for uri in layer.gone:
            for row in files.read(uri).rows:
                rows.pop(key_of(row, identity), None)
        for uri in layer.rows:
            rows |= {key_of(row, identity): row for row in files.read(uri).rows}
    return Table(table.schema, sorted(rows.values(), key=lambda row: sort_key(row, identity)))
