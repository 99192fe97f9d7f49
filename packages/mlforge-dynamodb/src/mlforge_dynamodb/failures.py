"""What went wrong with DynamoDB, in words: where, why, and the way out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from botocore import exceptions as b
from botocore.exceptions import BotoCoreError, ClientError

from mlforge.errors import PluginFailed

CONDITION = "ConditionalCheckFailedException"
MISSING = "ResourceNotFoundException"
BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "LimitExceededException",
    }
)
_ACCESS = "Check access_key_id and secret_access_key, or what AWS's own chain finds: aws sts get-caller-identity."
_HINTS = {
    MISSING: "Set auto_create: true, or make it with the keys pk and sk, both strings; and check region.",
    "AccessDeniedException": "Let it run GetItem, BatchGetItem, PutItem and Query on the table; with auto_create also "
    "DescribeTable, CreateTable, DescribeTimeToLive and UpdateTimeToLive.",
    "ValidationException": "Is it the right table? Its keys must be pk and sk, both strings.",
    "ExpiredTokenException": "Renew the credentials.",
    "UnrecognizedClientException": _ACCESS,
    "InvalidSignatureException": _ACCESS,
    "IncompleteSignatureException": _ACCESS,
    "MissingAuthenticationTokenException": _ACCESS,
    "InvalidClientTokenId": _ACCESS,
    "SignatureDoesNotMatch": _ACCESS,
    **dict.fromkeys(BUSY, "Raise the table's capacity, write with fewer workers, or raise patience."),
}
_SKEWED = ("Signature expired", "Signature not yet current")
"""How what DynamoDB says of a wrong clock begins; the code is that of a wrong secret."""
_CLOCK = "Set this machine's clock: it must be within five minutes of AWS's."
_OFF = "Check region and endpoint_url, and whether this machine gets there."
_NO_CREDENTIALS = (b.NoCredentialsError, b.PartialCredentialsError, b.CredentialRetrievalError, b.TokenRetrievalError)


class Another(BotoCoreError):  # type: ignore[misc]
    """Somebody else answered, such as a proxy with a page to sign in. The client takes that for an empty answer."""

    fmt = "what answers there is not DynamoDB, it sends {kind}"


def refuse_another(http_response: Any, **_: object) -> None:
    """Called with each answer: refuse one that is no JSON, before anything is believed that it does not say."""
    kind = str(http_response.headers.get("content-type") or "nothing")
    if http_response.status_code < HTTPStatus.MULTIPLE_CHOICES and "json" not in kind:
        raise Another(kind=kind.partition(";")[0])


class Told:
    """A `with` in which the failures of DynamoDB become `PluginFailed`."""

    __slots__ = ("_where",)

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, (ClientError, BotoCoreError)):
            raise failed(error, self._where) from error


def code_of(error: ClientError) -> str:
    """What DynamoDB calls the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def failed(error: ClientError | BotoCoreError, where: str) -> PluginFailed:
    """The failure that an error of the client comes to."""
    if isinstance(error, ClientError):
        text = error.response.get("Error", {}).get("Message") or code_of(error)
        text = f"a page of {len(text):,} characters" if text.lstrip().startswith("<") else text
        hint = _HINTS.get(code_of(error), "Try again; see the AWS health dashboard.")
        hint = _CLOCK if text.startswith(_SKEWED) else hint
        return PluginFailed(f"DynamoDB {where} refused: {text.rstrip('.')} ({code_of(error)}).", hint=hint)
    if isinstance(error, _NO_CREDENTIALS):
        return PluginFailed(f"DynamoDB {where} cannot be asked without credentials: {error}.", hint=_ACCESS)
    if isinstance(error, (b.ReadTimeoutError, b.ConnectTimeoutError)):
        return PluginFailed(
            f"DynamoDB {where} did not answer in time.", hint=f"Raise timeout or connect_timeout. {_OFF}"
        )
    return PluginFailed(f"DynamoDB {where} does not answer: {str(error).rstrip('.')}.", hint=_OFF)
