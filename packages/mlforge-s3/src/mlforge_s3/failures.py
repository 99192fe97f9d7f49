"""What went wrong with S3, in words: where, why, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from obstore.exceptions import BaseError, GenericError

from mlforge.errors import MlforgeError, PluginFailed

_FIELD = re.compile(r"<(Code|Message)>([^<]*)</\1>")
_ACCESS = "Check what AWS's own chain finds: aws sts get-caller-identity. Set AWS_PROFILE, or profile in the store."
_ALLOW = "Let it run GetObject, PutObject, DeleteObject and ListBucket on the bucket."
_HINTS = {
    "NoSuchBucket": "Make it, or correct bucket, region and endpoint_url.",
    "AccessDenied": _ALLOW,
    "RequestTimeTooSkewed": "Set this machine's clock: it must be within 15 minutes of S3's.",
    "SlowDown": "Try again later: S3 is asked too often.",
    "PermanentRedirect": "Set region to the bucket's own.",
    "AuthorizationHeaderMalformed": "Set region to the bucket's own.",
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"), _ACCESS
    ),
}
_OFF = "Check region and endpoint_url, and whether this machine gets there."
_BETWEEN = f"Something between may answer in its place, such as a proxy with a page to sign in. {_OFF}"


@contextmanager
def told(where: str) -> Iterator[None]:
    """Tell the failures of S3 as `PluginFailed`."""
    try:
        yield
    except MlforgeError:
        raise
    except (BaseError, OSError) as error:
        raise failed(error, where) from None


def tagged(where: str, meta: Any) -> str:
    """The tag of an object. What came without one did not come from S3, which gives each object one."""
    if meta["e_tag"] is None:
        raise PluginFailed(f"What answers at {where} is not S3: its answer has no ETag.", hint=_BETWEEN)
    return str(meta["e_tag"])


def is_absent(error: BaseException) -> bool:
    """Whether an object is not there, rather than its bucket."""
    return isinstance(error, FileNotFoundError) and _fields(error).get("Code") != "NoSuchBucket"


def is_broken_off(error: GenericError) -> bool:
    """Whether a connection broke and the client left it at that: of a listing, a deletion, a write with a condition."""
    text = str(error).partition("\n\nDebug source")[0]
    return "HTTP error" in text and "max_retries" not in text


def failed(error: BaseException, where: str) -> MlforgeError:
    """The failure that an error of the client comes to. Only what the service says of it is repeated."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, MlforgeError):
            return cause
    fields = _fields(error)
    if code := fields.get("Code"):
        text = fields.get("Message") or code
        hint = _HINTS.get(code, "Try again; see the AWS health dashboard.")
        return PluginFailed(f"S3 at {where} refused: {text.rstrip('.')} ({code}).", hint=hint)
    if status := re.search(r"status code: (\d+ [A-Za-z ]+)", str(error)):
        hint = _ALLOW if status[1].startswith("403") else _OFF
        return PluginFailed(f"S3 at {where} refused: {status[1].strip()}.", hint=hint)
    reason = str(error).partition("\n\nDebug source")[0].rpartition(" - ")[2].strip().rstrip(".")
    return PluginFailed(f"S3 at {where} does not answer: {reason}.", hint=_OFF)


def _fields(error: BaseException) -> dict[str, str]:
    return dict(_FIELD.findall(str(error).partition("\n\nDebug source")[0]))
