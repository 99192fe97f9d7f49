"""What a committed version's rows are made of, when several versions wrote them: the plan of reading it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlforge.model.meta import FeatureMeta, Layer


class Overlaid(NamedTuple):
    """An earlier layer under the later ones: its files, and those whose keys and stamps take rows of it away."""

    rows: tuple[str, ...]
    taken: tuple[tuple[str, ...], ...]


def overlay(layers: Sequence[Layer]) -> Iterator[Overlaid]:
    """The layers, the last first: each loses the rows whose keys and stamps are in files of later ones.

    The last loses none. The small, late layers come together before they meet the large, first one.

    Example:
        >>> last, first = overlay([Layer(("a.parquet",)), Layer(("b.parquet",), gone=("c.parquet",))])
        >>> last.taken, first.taken
        ((), (('b.parquet',), ('c.parquet',)))
    """
    taken: tuple[tuple[str, ...], ...] = ()
    for layer in reversed(layers):
        yield Overlaid(layer.rows, taken)
        taken += tuple(files for files in (layer.rows, layer.gone) if files)


def told(meta: FeatureMeta) -> dict[str, str]:
    """The types that a version's metadata tells, by column, in mlforge's words."""
    return {c.name: c.dtype for c in meta.columns if c.dtype}
