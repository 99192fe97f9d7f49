"""What went wrong with Google Cloud Storage, in words: where, why, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests.exceptions import RequestException

from mlforge.errors import PluginFailed
from mlforge_gcs.credentials import LOGIN

_HINTS = {
    401: LOGIN,
    403: "Let it have roles/storage.objectUser on the bucket.",
    404: "Make the bucket, or correct bucket, project and endpoint_url.",
    429: "Try again later: the service is asked too often.",
}
_OFF = "Check endpoint_url, and whether this machine gets there."
_CLOCK = f"Is this machine's clock right? Google takes no signature of another hour. {LOGIN}"
_AGAIN = "Try again; see the Google Cloud status page."


@contextmanager
def told(where: str) -> Iterator[None]:
    """Tell the failures of the service as `PluginFailed`."""
    try:
        yield
    except GoogleAuthError as error:
        text = f"Google Cloud Storage at {where} cannot be asked: {type(error).__name__}."
        raise PluginFailed(text, hint=_CLOCK if "JWT" in str(error) else LOGIN) from None
    except (GoogleAPICallError, InvalidResponse) as error:
        raise refused(error, where) from None
    except (RetryError, RequestException, DataCorruption, OSError) as error:
        reason = type(getattr(error, "cause", None) or error).__name__
        raise PluginFailed(f"Google Cloud Storage at {where} does not answer: {reason}.", hint=_OFF) from None
    except (AttributeError, KeyError, TypeError) as error:  # the client met no JSON of the service's in an answer
        raise PluginFailed(f"What answers at {where} is not Google Cloud Storage: {error}.", hint=_OFF) from error


def refused(error: GoogleAPICallError | InvalidResponse, where: str) -> PluginFailed:
    """The failure that an answer of the service comes to. Of what it says, only the status is repeated."""
    status = error.code if isinstance(error, GoogleAPICallError) else error.response.status_code
    reason = type(error).__name__ if isinstance(error, GoogleAPICallError) else "an answer that is none"
    return PluginFailed(
        f"Google Cloud Storage at {where} refused: {reason} ({status}).", hint=_HINTS.get(int(status or 0), _AGAIN)
    )
