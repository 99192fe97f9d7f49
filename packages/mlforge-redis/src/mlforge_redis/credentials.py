"""Passwords that change: a provider of the user's, asked whenever a connection is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

from mlforge.errors import Invalid


class Provided(CredentialProvider):
    """What a provider of the user's gives; where it fails, the store does, without a word of what may be secret."""

    def __init__(self, name: str, provider: CredentialProvider) -> None:
        self._name, self._provider = name, provider

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        try:
            return self._provider.get_credentials()
        except Exception as error:  # noqa: BLE001 - code of the user may raise anything
            raise self._failed(error) from None

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        try:
            return await self._provider.get_credentials_async()
        except Exception as error:  # noqa: BLE001 - code of the user may raise anything
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> AuthenticationError:
        return AuthenticationError(f"the credential_provider {self._name} raised {type(error).__name__}")

    def __repr__(self) -> str:
        return f"Provided({self._name!r})"


def provider_of(name: str) -> Provided:
    """The provider that `module:name` makes: a class or a function without arguments, or a provider itself."""
    found = _imported(name)
    if isinstance(found, type) or not isinstance(found, CredentialProvider):
        found = _made(name, found)
    if not isinstance(found, CredentialProvider):
        raise Invalid(
            f"credential_provider {name} gives a {type(found).__name__}.",
            hint="Give a class that inherits from redis.CredentialProvider and has get_credentials.",
        )
    return Provided(name, found)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Invalid(
            f"credential_provider {name} cannot be imported: {error}.",
            hint="Write package.module:Name, importable where this runs.",
        ) from error


def _made(name: str, maker: Any) -> Any:
    try:
        return maker()
    except Exception as error:  # noqa: BLE001 - code of the user may raise anything
        raise Invalid(
            f"credential_provider {name} cannot be made: it raised {type(error).__name__}.",
            hint="It is called without arguments: let it take its settings from the environment.",
        ) from None
