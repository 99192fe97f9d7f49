"""Frames of this process as sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

import polars as pl

from mlforge.errors import Invalid
from mlforge.plugin import ArrowStream, Asking, Narrow
from mlforge.plugin.pandas_times import with_plain_times
from mlforge_csv.streams import frame_of

_AT_ONCE = 100_000
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def open_source(asking: Asking) -> FrameRows:
    """A frame's rows. Raises `Invalid` where nobody gave one."""
    source = asking.source
    if source.held is None:
        raise Invalid(
            f"The source {source.name!r} is a frame, and no frame is in it.",
            hint=f'Give one: Source.from_frame(df, name="{source.name}").',
        )
    return FrameRows(source.held.value)


class FrameRows:
    """What `Rows` asks for, of a frame: it is read when it is asked, so that a fingerprint is of what is built."""

    def __init__(self, frame: Any) -> None:
        self._given = frame
        self._rows: pl.DataFrame | None = None

    @property
    def _frame(self) -> pl.DataFrame:
        if self._rows is None:
            given = self._given
            try:
                self._rows = (
                    given if isinstance(given, pl.DataFrame) else frame_of(ArrowStream(with_plain_times(given)))
                )
            except (*_BROKEN, TypeError, ValueError, NotImplementedError, OverflowError) as error:
                raise Invalid(
                    f"The frame cannot be read: {error}.", hint="Convert columns of exotic types first."
                ) from error
        return self._rows

    def state(self) -> str | None:
        """128 bits over names, types and values, in their order."""
        frame = self._frame.rechunk()
        digest = hashlib.sha256(repr(list(frame.schema.items())).encode())
        file = cast("IO[bytes]", _Hashing(digest))
        for start in range(0, frame.height, _AT_ONCE):
            frame.slice(start, _AT_ONCE).rechunk().write_ipc(file, compression="uncompressed")
        return digest.hexdigest()[:32]

    def empty(self) -> pl.DataFrame:
        return self._frame.clear()

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[pl.DataFrame]:
        yield from self._frame.select(columns or pl.all()).iter_slices(_AT_ONCE)


class _Hashing:
    """A file that keeps nothing of what is written but a hash."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest
        self._length = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        """Nothing is kept."""
