"""Connections to a Lakebase database: where it is, as whom, with a credential that is renewed before it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from mlforge.errors import PluginFailed
from mlforge_databricks.client import Workspace
from mlforge_databricks.failures import told

if TYPE_CHECKING:
    from mlforge_databricks.plugin import DatabricksOnlineStore

BEFORE_ITS_END = 300.0
"""So many seconds before its end a credential is renewed. Only who connects needs it: connections outlive it."""
LONGEST = 1800.0
"""How many seconds a connection is kept."""
_OFF = "Check project, branch, endpoint and database, and whether this machine gets there."
_LOGIN = "Grant the user a role of the project, with CREATE on the database: databricks postgres create-role."


class _Held(NamedTuple):
    connection: psycopg.Connection[Any]
    until: float


class Lakebase:
    """The database that a store's settings name. Nothing is asked before the first connection."""

    def __init__(self, config: DatabricksOnlineStore, workspace: Workspace) -> None:
        self._config = config
        self._workspace = workspace
        self._place: dict[str, Any] = {}
        self._token, self._ends = "", 0.0
        self._lock = threading.Lock()
        self.where = f"{config.path}, database {config.database}"
        self._idle: list[_Held] = []
        self._free = threading.BoundedSemaphore(config.connections)

    def _settings(self) -> dict[str, Any]:
        """What a connection is made with."""
        with self._lock:
            if not self._place:
                self._place = self._found()
            if time.time() > self._ends - BEFORE_ITS_END:
                self._renew()
            return self._place | {"password": self._token}

    def _found(self) -> dict[str, Any]:
        config, client = self._config, self._workspace.client
        with told(self._workspace.where):
            endpoint = client.postgres.get_endpoint(config.path)
            hosts = endpoint.status.hosts if endpoint.status else None
            user = config.user or client.current_user.me().user_name
        if hosts is None or not hosts.host:
            raise PluginFailed(f"{config.path} has no address.", hint="See whether it is active in the workspace.")
        limit = int(config.timeout * 1000)
        return {
            "host": hosts.host, "port": config.port, "dbname": config.database, "user": user,
            "sslmode": "require" if config.tls else "disable", "connect_timeout": max(2, round(config.timeout)),
            "options": f"-c statement_timeout={limit} -c lock_timeout={limit}",
            "tcp_user_timeout": limit, "application_name": "mlforge", "autocommit": True,
        }  # fmt: skip

    def _renew(self) -> None:
        with told(self._workspace.where):
            made = self._workspace.client.postgres.generate_database_credential(self._config.path)
        self._token = made.token or ""
        self._ends = made.expire_time.ToSeconds() if made.expire_time else time.time() + 2 * BEFORE_ITS_END

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits each statement: one that is open, or a new one.

        One that fails is closed, and so are those that wait, which may have been broken by the same.

        Raises:
            PluginFailed: There is none in time, or what is done with it fails.
        """
        if not self._free.acquire(timeout=self._config.timeout):
            raise self._failed(f"all {self._config.connections} connections are busy")
        try:
            held = self._taken()
            try:
                yield held.connection
            except BaseException:
                self._close([held, *self._waiting()])
                raise
            with self._lock:
                self._idle.append(held)
        except psycopg.Error as error:
            raise self._failed(str(error)) from error
        finally:
            self._free.release()

    def _taken(self) -> _Held:
        with self._lock:
            held = self._idle.pop() if self._idle else None
        if held is not None and held.until > time.monotonic():
            return held
        if held is not None:
            self._close([held])
        return _Held(psycopg.connect(**self._settings()), time.monotonic() + LONGEST)

    def _waiting(self) -> list[_Held]:
        with self._lock:
            waiting, self._idle = self._idle, []
        return waiting

    def _close(self, ones: list[_Held]) -> None:
        for held in ones:
            held.connection.close()

    def _failed(self, message: str) -> PluginFailed:
        text = message.strip().split("\n", 1)[0].rstrip(".")
        hint = _LOGIN if any(word in text for word in ("authentication", "permission", "role")) else _OFF
        return PluginFailed(f"Lakebase at {self.where} failed: {text}.", hint=hint)

    def close(self) -> None:
        """End all connections that nobody uses."""
        self._close(self._waiting())
