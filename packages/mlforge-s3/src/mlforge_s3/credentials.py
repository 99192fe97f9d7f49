"""Who signs: AWS's own chain, asked when it is needed and never printed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ProfileNotFound

from mlforge.errors import Invalid, PluginFailed

_LIFE = timedelta(minutes=10)
"""How long a client may use what it was given before it asks again."""
_CHAIN = "Set AWS_PROFILE, or log in: aws sso login; see what is found: aws sts get-caller-identity."


class Credentials:
    """AWS's own chain: variables, profiles, single sign-on, roles. What it finds is in no `repr` and no pickle."""

    def __init__(self, profile: str | None) -> None:
        self._profile = profile
        self._session: Any = None
        self._found: Any = None

    def __repr__(self) -> str:
        return f"Credentials(profile={self._profile!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Credentials, (self._profile,)

    @property
    def session(self) -> Any:
        """The settings of AWS. Raises `Invalid` for a profile that is not there."""
        if self._session is None:
            session = botocore.session.Session(profile=self._profile)
            try:
                session.get_scoped_config()
            except ProfileNotFound:
                name = self._profile or session.profile
                raise Invalid(
                    f"AWS's settings have no profile {name!r}.", hint="See those there are: aws configure list-profiles"
                ) from None
            self._session = session
        return self._session

    def region(self) -> str | None:
        """The region that the settings name."""
        found: str | None = self.session.get_config_variable("region")
        return found

    def signing(self) -> dict[str, Any]:
        """A key as obstore takes it. Raises `PluginFailed` where the chain finds none."""
        frozen = self._frozen()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _LIFE,
        }

    def __call__(self) -> tuple[dict[str, str], int]:
        """A key as Polars takes it, and when it asks again, in seconds since the Unix epoch."""
        frozen = self._frozen()
        key = {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        if frozen.token:
            key["aws_session_token"] = frozen.token
        return key, int((datetime.now(UTC) + _LIFE).timestamp())

    def _frozen(self) -> Any:
        try:
            self._found = self._found or self.session.get_credentials()
            if self._found is not None:
                return self._found.get_frozen_credentials()
        except BotoCoreError as error:
            raise PluginFailed(f"S3 cannot be asked: {str(error).rstrip('.')}.", hint=_CHAIN) from None
        raise PluginFailed("S3 cannot be asked without credentials, and AWS's own chain finds none.", hint=_CHAIN)
