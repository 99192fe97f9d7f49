"""The rows of a committed version, from the layers that it and earlier versions wrote."""

from __future__ import annotations

import polars as pl

from mlforge.model.meta import Artifact, Layer
from mlforge_polars.sources import scan_parquet
from mlforge_polars.types import dtype_of, plain


def open_artifact(artifact: Artifact) -> pl.LazyFrame:
    """The rows of a committed version, of the types its metadata tells, read late."""
    *earlier, last = artifact.layers
    rows, taken = _open(artifact, last.rows), _identities(artifact, last)
    for layer in reversed(earlier):  # the small, late layers come together before they meet the large, first one
        identity = list(artifact.meta.identity)
        kept = _open(artifact, layer.rows).join(pl.concat(taken), on=identity, how="anti", maintain_order="left")
        names = kept.collect_schema().names()
        rows, taken = pl.concat([kept, rows.select(names)]), [*taken, *_identities(artifact, layer)]
    return rows.sort(artifact.meta.identity) if earlier else rows


def _identities(artifact: Artifact, layer: Layer) -> list[pl.LazyFrame]:
    return [_open(artifact, uris).select(artifact.meta.identity) for uris in (layer.rows, layer.gone) if uris]


def _open(artifact: Artifact, uris: tuple[str, ...]) -> pl.LazyFrame:
    rows = scan_parquet(uris, artifact.options)
    schema = rows.collect_schema()
    told = {c.name: dtype_of(c.dtype) for c in artifact.meta.columns if c.dtype}
    casts = [pl.col(n).cast(told.get(n, plain(t))) for n, t in schema.items() if told.get(n, plain(t)) != t]
    return rows.with_columns(casts) if casts else rows
