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
_OFF = "Check project, branch, endpoint and database, and whether this machine gets there."
_LOGIN = "Grant the user a role of the project, with CREATE on the database: databricks postgres create-role."
_LATER = "Try again; if it is so every time, give it longer: timeout=30."
_ALLOW = (
    "Grant CREATE on the database to whoever publishes; USAGE on the schema and SELECT on its tables to whoever serves."
)
_GONE = "Somebody dropped it: publish again, with mlforge publish."
_WAYS: dict[type[psycopg.Error], str] = {
    psycopg.errors.QueryCanceled: _LATER,
    psycopg.errors.LockNotAvailable: _LATER,
    psycopg.errors.InsufficientPrivilege: _ALLOW,
    psycopg.errors.UndefinedTable: _GONE,
}
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())  # what fails is raised, and need not be printed


class _Pool:
    """Connections, until one cannot be made: then whoever waits is told at once, and `cause` is why.

    A pool that fails to connect goes on trying, and lets people wait until they are told of a time limit.
    """

    def __init__(self, login: Login, most: int, timeout: float) -> None:
        self.cause: Exception | None = None
        self.is_connecting = False
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
                    raise
                finally:
                    pool.is_connecting = False

        self.connections = ConnectionPool(
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

        Where one fails, those that wait are closed as well, which may have been broken by the same.

        Raises:
            PluginFailed: There is none in time, or what is done with it fails.
        """
        pool = self._opened()
        try:
            with pool.connections.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise self._too_late(pool.is_connecting) from error
        except PoolClosed as error:
            self._leave(pool)
            raise self._why(pool.cause or error) from error
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError):
                self._leave(pool)
            raise self._failed(str(error), _WAYS.get(type(error))) from error

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
        pool.end()

    def _why(self, cause: Exception) -> MlforgeError:
        return cause if isinstance(cause, MlforgeError) else self._failed(str(cause))

    def _failed(self, message: str, hint: str | None = None) -> PluginFailed:
        text = message.strip().split("\n", 1)[0].rstrip(".")
        is_login = any(word in text for word in ("authentication", "permission", "role"))
        return PluginFailed(
            f"Lakebase at {self._login.where} failed: {text}.", hint=hint or (_LOGIN if is_login else _OFF)
        )

    def close(self) -> None:
        """End all connections that nobody uses."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.connections.close()
