"""Connections to a Lakebase database, which psycopg_pool keeps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from mlforge.errors import MlforgeError, PluginFailed
from mlforge_databricks.login import Login

LONGEST = 1800.0
"""How many seconds a connection is kept."""
_TRIES = 5
"""How often a connection is asked for anew, where those that were kept are found to be broken."""
_OFF = "Check project, branch, endpoint and database, and whether this machine gets there."
_LOGIN = "Grant the user a role of the project, with CREATE on the database: databricks postgres create-role."
_LATER = "Try again; if it is so every time, give it longer: timeout=30."
_AGAIN = "Try again: the database ends connections where its endpoint restarts, moves or sleeps."
_FEWER = "Open fewer, such as connections=4, or let the endpoint take more."
_ALLOW = (
    "Publish first, as a role with CREATE on the database; "
    "then grant USAGE on the schema and SELECT on its tables to whoever serves."
)
_WRITES = 'Name an endpoint of the branch that takes writes, such as endpoint="primary", and publish there first.'
_GONE = "Somebody dropped it: publish again, with mlforge publish."
_WAYS: dict[type[psycopg.Error], str] = {
    psycopg.errors.QueryCanceled: _LATER,
    psycopg.errors.LockNotAvailable: _LATER,
    psycopg.errors.InsufficientPrivilege: _ALLOW,
    psycopg.errors.ReadOnlySqlTransaction: _WRITES,
    psycopg.errors.UndefinedTable: _GONE,
}
_WORDS = {
    ("too many", "connection slots"): _FEWER,
    ("starting up", "shutting down", "recovery mode"): _AGAIN,
    ("authentication", "permission", "role"): _LOGIN,
}
"""The way out by what PostgreSQL says to whom it does not let in, for which there is no class."""
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())  # what fails is raised, and need not be printed


class _Pool:
    """Connections, until one cannot be made: then whoever waits is told at once, and `cause` is why.

    A pool that fails to connect goes on trying, and lets people wait until they are told of a time limit.
    """

    def __init__(self, login: Login, most: int, timeout: float) -> None:
        self.cause: Exception | None = None
        self.is_connecting = self.is_left = False
        pool = self

        class Told(psycopg.Connection[Any]):
            """A connection that tells the pool why it cannot be made."""

            @classmethod
            def connect(cls, *_: Any, **__: Any) -> Self:
                if pool.cause is not None:  # a second try, which every pool makes: the first was refused
                    raise pool.cause
                pool.is_connecting = True
                try:
                    return super().connect(**login.settings())
                except Exception as error:
                    pool.cause = error
                    login.doubt()
                    raise
                finally:
                    pool.is_connecting = False

        self.connections: ConnectionPool[Any] = ConnectionPool(
            connection_class=Told, min_size=0, max_size=most, timeout=timeout, max_lifetime=LONGEST,
            reconnect_timeout=0, reconnect_failed=lambda _: self.end(), num_workers=1, open=True,
        )  # fmt: skip

    def end(self) -> None:
        """Close what nobody uses, now, and what somebody does when it is given back; tell those who wait."""
        threading.Thread(target=self.connections.close, daemon=True).start()  # a thread of the pool cannot wait for it


class Lakebase:
    """The database that a store's settings name. Nothing is asked before the first connection."""

    def __init__(self, login: Login, most: int, timeout: float) -> None:
        self._login = login
        self._most, self._timeout = most, timeout
        self._lock = threading.Lock()
        self._pool: _Pool | None = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits each statement: one that is open, or a new one.

        Where one is broken, those that wait are closed as well, which may have been broken by the same.

        Raises:
            PluginFailed: There is none in time, or what is done with it fails.
        """
        pool, connection = self._taken()
        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            if connection.closed:
                self._leave(pool)
            way = _WAYS.get(type(error)) or (_AGAIN if connection.closed else None)
            raise self._failed(str(error), way) from error
        finally:
            pool.connections.putconn(connection)

    def _taken(self) -> tuple[_Pool, psycopg.Connection[Any]]:
        """A connection that is not broken, and where it is given back to."""
        for _ in range(_TRIES):
            pool = self._opened()
            try:
                connection = pool.connections.getconn()
            except PoolTimeout as error:
                raise self._too_late(pool.is_connecting) from error
            except PoolClosed as error:
                is_others = pool.is_left and pool.cause is None
                self._leave(pool)
                if is_others:  # it was closed for what somebody else found
                    continue
                raise self._why(pool.cause or error) from error
            if _is_whole(connection):
                return pool, connection
            self._leave(pool)
            pool.connections.putconn(connection)
        raise self._failed(f"the connection was ended {_TRIES} times before it was used", _AGAIN)

    def _too_late(self, is_connecting: bool) -> PluginFailed:
        if is_connecting:
            return self._failed(
                f"nobody has let it in within {self._timeout:g} seconds", f"{_OFF} Or wait: timeout=30."
            )
        message = f"none of {self._most} connections was free within {self._timeout:g} seconds"
        return self._failed(message, "Open more, such as connections=32, or wait longer: timeout=30.")

    def _opened(self) -> _Pool:
        with self._lock:
            if self._pool is None:
                self._login.settings()  # not by the pool, whose time limit is no limit for asking the workspace
                self._pool = _Pool(self._login, self._most, self._timeout)
            return self._pool

    def _leave(self, pool: _Pool) -> None:
        """Let the next who asks begin anew."""
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.is_left = True
        pool.end()

    def _why(self, cause: Exception) -> MlforgeError:
        return cause if isinstance(cause, MlforgeError) else self._failed(str(cause))

    def _failed(self, message: str, hint: str | None = None) -> PluginFailed:
        text = message.strip().split("\n", 1)[0].rstrip(".")
        said = (way for words, way in _WORDS.items() if any(word in text for word in words))
        return PluginFailed(f"Lakebase at {self._login.where} failed: {text}.", hint=hint or next(said, _OFF))

    def close(self) -> None:
        """End all connections that nobody uses."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.connections.close()


def _is_whole(connection: psycopg.Connection[Any]) -> bool:
    """Whether the other side has not ended a connection meanwhile, as far as it has said so; nothing is asked of it."""
    try:
        for _ in range(2):  # its last words are read first, then that it ended
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        connection.close()
        return False
    return True
