"""The rows of a committed version, from the layers that it and earlier versions wrote."""

from __future__ import annotations

import polars as pl

from mlforge.model.meta import Artifact
from mlforge.plugin.engine.layers import overlay, told
from mlforge_csv import dtype_of
from mlforge_polars.sources import scan_parquet
from mlforge_polars.types import plain


def open_artifact(artifact: Artifact) -> pl.LazyFrame:
    """The rows of a committed version, of the types its metadata tells, read late."""
    identity = list(artifact.meta.identity)
    last, *earlier = overlay(artifact.layers)
    rows = _open(artifact, last.rows)
    for layer in earlier:
        taken = pl.concat(_open(artifact, uris).select(identity) for uris in layer.taken)
        kept = _open(artifact, layer.rows).join(taken, on=identity, how="anti", maintain_order="left")
        rows = pl.concat([kept, rows.select(kept.collect_schema().names())])
    return rows.sort(identity) if earlier else rows


def _open(artifact: Artifact, uris: tuple[str, ...]) -> pl.LazyFrame:
    rows = scan_parquet(uris, artifact.options)
    schema = rows.collect_schema()
    types = {name: dtype_of(word) for name, word in told(artifact.meta).items()}
    casts = [pl.col(n).cast(types.get(n, plain(t))) for n, t in schema.items() if types.get(n, plain(t)) != t]
    return rows.with_columns(casts) if casts else rows
