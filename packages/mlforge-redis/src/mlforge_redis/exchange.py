"""Commands sent to all servers that are asked, before the first answer is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.connection import Connection, ConnectionPool
from redis.exceptions import ResponseError

Command = tuple[str | bytes | int, ...]


def exchange(plan: Mapping[ConnectionPool, Sequence[Command]]) -> list[list[Any]]:
    """The answers of each server, in the order of the plan. An error it answers is among them, not raised.

    A connection whose answers were not all read is ended: nobody else may get them.
    """
    taken: list[tuple[ConnectionPool, Connection]] = []
    try:
        for pool, commands in plan.items():
            connection = pool.get_connection()
            taken.append((pool, connection))
            connection.send_packed_command(connection.pack_commands(commands))
        sizes = map(len, plan.values())
        return [_answers(c, size) for (_, c), size in zip(taken, sizes, strict=True)]
    except BaseException:
        for _, connection in taken:
            connection.disconnect()
        raise
    finally:
        for pool, connection in taken:
            pool.release(connection)


def _answers(connection: Connection, count: int) -> list[Any]:
    return [_answer(connection) for _ in range(count)]


def _answer(connection: Connection) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
