"""Statements of SQL and their answers, whoever runs them: a SQL warehouse, or the session of Spark that is there."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from mlforge_databricks.failures import Refused, is_lost_race

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, str | None]
"""A row of a small answer: all values as text."""

LOST_RACES = 12
"""How often a statement is run again that changed nothing because somebody else changed the same table."""


class Statements(Protocol):
    """Runs statements. What is refused is raised as `Refused`."""

    @property
    def where(self) -> str:
        """Who runs them, for people."""

    def rows(self, statement: str) -> Sequence[Row]:
        """A small answer."""

    def columns(self, table: str) -> list[str]:
        """The columns of what a query reads by this name, in order."""

    def batches(self, statement: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """An answer of any size, piece by piece."""

    def send(self, path: str, there: str) -> None:
        """Bring a file of this machine to an address of a volume."""

    def remove(self, there: str) -> None:
        """Remove a file of a volume; one that is gone is no error."""

    def close(self) -> None:
        """End what was opened."""


def change(statements: Statements, statement: str) -> Sequence[Row]:
    """Run a statement that changes a table and looks at it first: again, where somebody else came between."""
    for attempt in range(LOST_RACES):
        try:
            return statements.rows(statement)
        except Refused as error:
            if not is_lost_race(error):
                raise
            time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 6)))  # noqa: S311 (so that not all come at once)
    return statements.rows(statement)
