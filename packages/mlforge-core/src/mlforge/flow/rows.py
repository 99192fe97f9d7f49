"""The rows of a frame, as the engine gives them."""

from __future__ import annotations

from typing import Any

from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine

Row = dict[str, Any]


def rows_of(engine: Engine, frame: Frame) -> list[Row]:
    """All rows of a frame."""
    return [row for batch in engine.rows(frame) for row in batch]
