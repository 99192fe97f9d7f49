"""Statements that a SQL warehouse runs, asked over HTTP: no Spark is needed for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from mlforge_databricks.client import Workspace
from mlforge_databricks.failures import Refused, another, refused, told
from mlforge_databricks.statements import Row

if TYPE_CHECKING:
    import pyarrow as pa

AT_FIRST = "30s"
"""How long a request waits for its answer before it is asked for again."""
PAUSE = 0.5
_OVER = {"SUCCEEDED", "FAILED", "CANCELED", "CLOSED"}
_VOLUME = "Grant READ VOLUME and WRITE VOLUME on it, and USE CATALOG and USE SCHEMA where it is."
_STORAGE = "Let this machine reach the storage of the workspace, from which answers come; or try again."
_BROKEN = (OSError, HTTPException)
_STARTING = "Start it beforehand, or give it longer: timeout=1800."


class WarehouseStatements:
    """What `Statements` asks for, of a warehouse."""

    def __init__(self, workspace: Workspace, warehouse: str, timeout: float) -> None:
        self._workspace = workspace
        self._warehouse = warehouse
        self._timeout = timeout

    @property
    def where(self) -> str:
        return f"{self._workspace.where}, warehouse {self._warehouse}"

    def rows(self, statement: str) -> Sequence[Row]:
        done = self._run(statement, "INLINE", "JSON_ARRAY")
        names = _names(done)
        chunk, found = done.result, list[Row]()
        while chunk is not None:
            found += [dict(zip(names, row, strict=True)) for row in chunk.data_array or ()]
            chunk = self._next(done, chunk.next_chunk_index)
        return found

    def _next(self, done: Any, index: int | None) -> Any:
        if index is None:
            return None
        with told(self.where):
            return self._workspace.client.statement_execution.get_statement_result_chunk_n(done.statement_id, index)

    def columns(self, table: str) -> list[str]:
        return _names(self._run(f"SELECT * FROM {table} LIMIT 0", "INLINE", "JSON_ARRAY"))

    def batches(self, statement: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        import pyarrow as pa

        done = self._run(statement, "EXTERNAL_LINKS", "ARROW_STREAM")
        pieces = self._pieces(done)
        first = next(pieces, None)
        if first is None:  # an answer without rows has no pieces
            return pa.schema([(name, pa.null()) for name in _names(done)]), iter(())
        return first.schema, self._read(first, pieces)

    def _pieces(self, done: Any) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa

        chunk = done.result
        while chunk is not None:
            links = chunk.external_links or ()
            for link in links:
                yield pa.ipc.open_stream(self._fetched(done, link))
            chunk = self._next(done, links[-1].next_chunk_index if links else None)

    def _fetched(self, done: Any, link: Any) -> bytes:
        """A piece of an answer. Links end within minutes and storage may be busy: the second one is another link."""
        try:
            return self._download(link)
        except _BROKEN:
            again = self._next(done, link.chunk_index).external_links[0]
        try:
            return self._download(again)
        except _BROKEN as error:
            raise Refused(f"The storage of {self.where} gives no answer: {error}.", _STORAGE) from error

    def _download(self, link: Any) -> bytes:
        # what is signed needs no token, and must not be given one
        try:
            answer = urlopen(link.external_link, timeout=self._timeout)  # noqa: S310
        except HTTPError as error:
            error.close()  # it is an answer, too, and holds its connection
            raise
        with answer:
            data: bytes = answer.read()
            return data

    @staticmethod
    def _read(first: pa.RecordBatchReader, others: Iterator[pa.RecordBatchReader]) -> Iterator[pa.RecordBatch]:
        yield from first
        for one in others:
            yield from one

    def _run(self, statement: str, disposition: str, form: str) -> Any:
        from databricks.sdk.service.sql import Disposition, ExecuteStatementRequestOnWaitTimeout, Format

        asking = self._workspace.client.statement_execution
        with told(self.where):
            done = asking.execute_statement(
                statement, self._warehouse,
                disposition=Disposition(disposition), format=Format(form), wait_timeout=AT_FIRST,
                on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CONTINUE,
            )  # fmt: skip
        return self._awaited(done)

    def _awaited(self, done: Any) -> Any:
        """The answer, once it is there. What takes too long, or whose user gives up, is cancelled."""
        try:
            over = self._over(done)
        except BaseException:
            with suppress(Exception):
                self._workspace.client.statement_execution.cancel_execution(done.statement_id)
            raise
        if (state := over.status.state.value) != "SUCCEEDED":
            raise self._failed(over.status, state)
        return over

    def _over(self, done: Any) -> Any:
        deadline = time.monotonic() + self._timeout
        while (state := self._state(done)) not in _OVER:
            if time.monotonic() > deadline:
                raise self._too_late(state)
            time.sleep(PAUSE)
            with told(self.where):
                done = self._workspace.client.statement_execution.get_statement(done.statement_id)
        return done

    def _state(self, done: Any) -> str:
        if done.status is None or done.status.state is None:
            raise another(self.where, "it says nothing of the statement")
        return str(done.status.state.value)

    def _too_late(self, state: str) -> Refused:
        doing = "is still starting" if state == "PENDING" else "has not answered"
        return Refused(f"The {self.where} {doing} after {self._timeout:g} seconds.", _STARTING, "DEADLINE_EXCEEDED")

    def _failed(self, status: Any, state: str) -> Refused:
        if state != "FAILED" or status.error is None:
            hint = "Somebody cancelled it, or the warehouse was stopped: run it again."
            return Refused(f"A statement was {state.lower()} at {self.where}.", hint, state)
        code = status.error.error_code
        return refused(self.where, code.value if code else None, status.error.message or "")

    def send(self, path: str, there: str) -> None:
        with told(self._workspace.where, _VOLUME), Path(path).open("rb") as file:
            self._workspace.client.files.upload(there, file, overwrite=True)

    def remove(self, there: str) -> None:
        try:
            with told(self._workspace.where, _VOLUME):
                self._workspace.client.files.delete(there)
        except Refused as error:
            if error.word != "NOT_FOUND":
                raise

    def close(self) -> None:
        self._workspace.close()


def _names(done: Any) -> list[str]:
    columns = done.manifest.schema.columns if done.manifest and done.manifest.schema else None
    return [column.name for column in columns or ()]
