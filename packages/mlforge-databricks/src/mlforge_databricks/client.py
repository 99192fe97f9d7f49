"""The workspace, asked through databricks-sdk. It takes seconds to import, so that happens when something is asked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from mlforge_databricks.failures import told

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

PATIENCE = 60
"""For how many seconds a request is asked again where Databricks is busy or breaks off."""


class Login(Protocol):
    """The settings that say which workspace, and as whom."""

    @property
    def host(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...
    @property
    def profile(self) -> str | None: ...


class Workspace:
    """A workspace, with the credentials that the settings or Databricks' own chain give."""

    def __init__(self, login: Login) -> None:
        self._login = login

    @cached_property
    def client(self) -> WorkspaceClient:
        """What sends requests. Requests that are refused for the moment are sent again, as `Retry-After` says."""
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.core import Config

        given: dict[str, Any] = {"host": self._login.host, "token": self._login.token, "profile": self._login.profile}
        with told(self._login.host or "the workspace"):
            settings = {name: value for name, value in given.items() if value is not None}
            config = Config(
                **settings, http_timeout_seconds=PATIENCE, retry_timeout_seconds=PATIENCE, product="mlforge"
            )
            return WorkspaceClient(config=config)

    def close(self) -> None:
        """Let go of the client and its connections, which end with it; whoever asks again gets another."""
        self.__dict__.pop("client", None)

    @property
    def where(self) -> str:
        """The workspace, for people."""
        return str(self.client.config.host).removeprefix("https://").removeprefix("http://")
