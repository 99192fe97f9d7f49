"""Who asks: Google's application default credentials, looked for when they are needed and never printed."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import google.auth
import google.auth.transport.requests
from google.auth.exceptions import GoogleAuthError

from mlforge.errors import PluginFailed

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
LOGIN = "Log in: gcloud auth application-default login; or set GOOGLE_APPLICATION_CREDENTIALS."


class Credentials:
    """Google's application default credentials. What is found is in no `repr` and no pickle."""

    def __init__(self) -> None:
        self._found: Any = None

    def __repr__(self) -> str:
        return "Credentials()"

    def __reduce__(self) -> tuple[Any, ...]:
        return Credentials, ()

    @property
    def found(self) -> Any:
        """What signs requests. Raises `PluginFailed` where there is nothing."""
        if self._found is None:
            try:
                self._found, _ = google.auth.default(scopes=_SCOPES)
            except GoogleAuthError as error:
                reason = str(error).partition(".")[0]
                text = f"Google Cloud Storage cannot be asked without credentials: {reason}."
                raise PluginFailed(text, hint=LOGIN) from None
        return self._found

    def __call__(self) -> tuple[dict[str, str], int | None]:
        """A token as Polars takes it, and when it ends, in seconds since the Unix epoch."""
        found = self.found
        if not found.valid:
            try:
                found.refresh(google.auth.transport.requests.Request())
            except GoogleAuthError as error:
                raise PluginFailed(f"Google gives no token: {type(error).__name__}.", hint=LOGIN) from None
        ends = int(found.expiry.replace(tzinfo=UTC).timestamp()) if found.expiry else None
        return {"bearer_token": found.token}, ends
