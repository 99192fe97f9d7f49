"""Statement execution: a statement is posted, waited for, and its answer read in pieces."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlforge_databricks.testing.lake import Lake, StatementError

PIECE = 10_000
"""How many rows an answer has in each of its pieces."""
_AT = "/api/2.0/sql/statements"


class Statement(msgspec.Struct):
    """A statement that was posted, and how far it came."""

    id: str
    text: str
    form: str
    is_linked: bool
    waits: int = 0
    answer: Any = None
    error: dict[str, str] | None = None
    state: str = "PENDING"


class Warehouse:
    """A SQL warehouse.

    `waits` says for how many requests the next statement is pending, while it starts; `refusals` which errors those
    that follow end with.
    """

    def __init__(self, lake: Lake, name: str) -> None:
        self.lake = lake
        self.name = name
        self.url = ""
        self.waits = 0
        self.cancels = 0
        self.refusals: list[StatementError] = []
        self.statements: dict[str, Statement] = {}
        self.ran: list[str] = []

    def routes(self) -> list[Route]:
        """What it answers."""
        one = f"{_AT}/{{id}}"
        return [
            Route(_AT, self._post, methods=["POST"]),
            Route(f"{_AT}/", self._post, methods=["POST"]),
            Route(one, self._get),
            Route(f"{one}/cancel", self._cancel, methods=["POST"]),
            Route(f"{one}/result/chunks/{{index:int}}", self._chunk),
            Route("/signed/{id}/{index:int}", self._signed),
        ]

    async def _post(self, request: Request) -> Response:
        asked = await request.json()
        if asked["warehouse_id"] != self.name:
            message = f"SQL warehouse {asked['warehouse_id']} does not exist."
            return JSONResponse({"error_code": "NOT_FOUND", "message": message}, 404)
        linked = asked.get("disposition") == "EXTERNAL_LINKS"
        made = Statement(str(uuid.uuid4()), asked["statement"], asked.get("format", "JSON_ARRAY"), linked, self.waits)
        self.waits = 0
        self.statements[made.id] = made
        return JSONResponse(await run_in_threadpool(self._go_on, made))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._go_on, self.statements[request.path_params["id"]]))

    def _cancel(self, request: Request) -> Response:
        made = self.statements[request.path_params["id"]]
        if made.state == "PENDING":
            made.state = "CANCELED"
        return JSONResponse({})

    def _go_on(self, made: Statement) -> dict[str, Any]:
        if made.state == "PENDING" and self.cancels:
            self.cancels -= 1
            made.state = "CANCELED"
        elif made.state == "PENDING" and made.waits:
            made.waits -= 1
        elif made.state == "PENDING":
            self._run(made)
        return self._told(made)

    def _run(self, made: Statement) -> None:
        self.ran.append(made.text)
        try:
            if self.refusals:
                raise self.refusals.pop(0)
            made.answer = self.lake.run(made.text)
            made.state = "SUCCEEDED"
        except StatementError as error:
            made.error = {"error_code": "BAD_REQUEST", "message": str(error)}
            made.state = "FAILED"
        except (pa.ArrowException, OSError) as error:
            made.error = {"error_code": "INTERNAL_ERROR", "message": str(error)}
            made.state = "FAILED"

    def _told(self, made: Statement) -> dict[str, Any]:
        status: dict[str, Any] = {"state": made.state}
        if made.error:
            status["error"] = made.error
        told: dict[str, Any] = {"statement_id": made.id, "status": status}
        if made.answer is None:
            return told
        columns = [
            {"name": field.name, "position": place, "type_text": str(field.type)}
            for place, field in enumerate(made.answer.schema)
        ]
        rows = made.answer.num_rows
        manifest = {
            "format": made.form, "total_row_count": rows, "total_chunk_count": _pieces(made),
            "schema": {"column_count": len(columns), "columns": columns},
        }  # fmt: skip
        return told | {"manifest": manifest, "result": self._piece(made, 0)}

    def _chunk(self, request: Request) -> Response:
        return JSONResponse(self._piece(self.statements[request.path_params["id"]], request.path_params["index"]))

    def _piece(self, made: Statement, index: int) -> dict[str, Any]:
        if not made.answer.num_rows:
            return {}
        rows = made.answer.slice(index * PIECE, PIECE)
        place: dict[str, Any] = {"chunk_index": index, "row_offset": index * PIECE, "row_count": rows.num_rows}
        if index + 1 < _pieces(made):
            place["next_chunk_index"] = index + 1
        if made.is_linked:
            expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 900))
            link = {"external_link": f"{self.url}/signed/{made.id}/{index}", "expiration": expires}
            return {"external_links": [place | link]}
        return place | {"data_array": [[_text(value) for value in row.values()] for row in rows.to_pylist()]}

    def _signed(self, request: Request) -> Response:
        """A piece, as Arrow; its address is signed, so that a token is too much."""
        if "authorization" in request.headers:
            return Response("InvalidArgument: only one way to log in is allowed", 400)
        made = self.statements[request.path_params["id"]]
        rows = made.answer.slice(request.path_params["index"] * PIECE, PIECE)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        return Response(sink.getvalue().to_pybytes(), media_type="application/vnd.apache.arrow.stream")


def _pieces(made: Statement) -> int:
    rows: int = made.answer.num_rows
    return -(-rows // PIECE)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)
