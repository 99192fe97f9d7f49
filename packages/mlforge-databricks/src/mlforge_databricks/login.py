"""Where a Lakebase database is, and as whom: with a credential that is renewed before it ends."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlforge.errors import Invalid, NotFound, PluginFailed
from mlforge_databricks.client import Workspace
from mlforge_databricks.failures import told

if TYPE_CHECKING:
    from mlforge_databricks.plugin import DatabricksOnlineStore

BEFORE_ITS_END = 300.0
"""So many seconds before its end a credential is renewed. Only who connects needs it: connections outlive it."""
SURE = 10.0
"""For so many seconds what the workspace told is not asked for again, whatever the database says."""
_SHOWN = 5
"""How many projects an error names."""
_GRANT = "Grant CAN USE on the Lakebase project to whoever publishes and whoever serves."
_log = logging.getLogger("mlforge.databricks")


class Login:
    """What a connection to the database is made with. Nothing is asked of the workspace before the first."""

    def __init__(self, config: DatabricksOnlineStore, workspace: Workspace) -> None:
        self._config = config
        self._workspace = workspace
        self._project = config.project
        self._place: dict[str, Any] = {}
        self._token, self._ends = "", 0.0
        self._told, self._is_doubted = 0.0, False
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """The endpoint, as the workspace names it."""
        return f"projects/{self._project}/branches/{self._config.branch}/endpoints/{self._config.endpoint}"

    @property
    def where(self) -> str:
        """The database, for people."""
        place = self.endpoint if self._project else "the workspace's project"
        return f"{place}, database {self._config.database}"

    def settings(self) -> dict[str, Any]:
        """Where, as whom, and with which credential, as psycopg takes it.

        Raises:
            PluginFailed: The workspace does not tell.
            NotFound: The workspace has no project.
            Invalid: It has several, and none is named.
        """
        with self._lock:
            if not self._place:
                self._place = self._found()
            elif self._is_doubted:
                self._look_again()
            if time.time() > self._ends - BEFORE_ITS_END:
                self._renew()
            return self._place | {"password": self._token}

    def doubt(self) -> None:
        """Take what is known for old, since the database refused it: it may have moved, the credential be no more."""
        self._is_doubted = time.monotonic() - self._told > SURE

    def _look_again(self) -> None:
        """Ask for the place and a credential anew. Where the workspace does not tell, what is known may still do."""
        self._is_doubted = False
        with suppress(PluginFailed):
            self._place = self._found()
            self._renew()

    def _found(self) -> dict[str, Any]:
        config, client = self._config, self._workspace.client
        with told(self._workspace.where, _GRANT):
            self._project = self._project or self._only()
            endpoint = client.postgres.get_endpoint(self.endpoint)
            hosts = endpoint.status.hosts if endpoint.status else None
            user = config.user or client.current_user.me().user_name
        if hosts is None or not hosts.host:
            raise PluginFailed(f"{self.endpoint} has no address.", hint="See whether it is active in the workspace.")
        limit = int(config.timeout * 1000)
        return {
            "host": hosts.host, "port": config.port, "dbname": config.database, "user": user,
            "sslmode": "require" if config.tls else "disable", "connect_timeout": max(2, round(config.timeout)),
            "options": f"-c statement_timeout={limit} -c lock_timeout={limit}",
            "tcp_user_timeout": limit, "application_name": "mlforge", "autocommit": True,
        }  # fmt: skip

    def _only(self) -> str:
        """The one project of the workspace."""
        where, listed = self._workspace.where, self._workspace.client.postgres.list_projects()
        there = sorted((project.name or "").rpartition("/")[2] for project in listed)
        if not there:
            hint = "Make one, and name it: databricks postgres create-project mlforge"
            raise NotFound(f"{where} has no Lakebase project that you may see.", hint=hint)
        if len(there) > 1:
            names = ", ".join([*there[:_SHOWN], *(["…"] if there[_SHOWN:] else [])])
            raise Invalid(f"{where} has several Lakebase projects: {names}.", hint=f'Name one: project="{there[0]}".')
        _log.info("No project is named: values are served from %s, the only one of %s.", there[0], where)
        return there[0]

    def _renew(self) -> None:
        with told(self._workspace.where, _GRANT):
            made = self._workspace.client.postgres.generate_database_credential(self.endpoint)
        self._told = time.monotonic()
        self._token = made.token or ""
        self._ends = made.expire_time.ToSeconds() if made.expire_time else time.time() + 2 * BEFORE_ITS_END
