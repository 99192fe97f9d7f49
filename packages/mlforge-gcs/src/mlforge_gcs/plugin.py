"""What this plugin is: the Google Cloud Storage offline store, announced without importing a client."""

from __future__ import annotations

from typing import ClassVar

from mlforge.plugin import SourceDescriptor, StoreConfig, StoreDescriptor, hookimpl
from mlforge_gcs.settings import check


class GCSStore(StoreConfig, frozen=True, tag="gcs"):
    """Keep every version of every feature in a bucket of Google Cloud Storage.

    Credentials are Google's application default ones: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's login, the machine's.

    Args:
        bucket: The bucket, which is there.
        prefix: Below which name, such as `team-a/features`; the whole bucket without one.
        project: Whom requests are charged to; what Google's own settings say without one.
        endpoint_url: Where the service answers, if not at Google: `http://localhost:4443`.
        anonymous: Ask without credentials, for a bucket that anybody may read.

    Raises:
        Invalid: A bucket, prefix or project that cannot be, or an `endpoint_url` that is no address.

    Example:
        >>> GCSStore("shop-features", prefix="team-a").kind
        'gcs'
    """

    target: ClassVar[str] = "mlforge_gcs.store:open_store"

    bucket: str
    prefix: str = ""
    project: str | None = None
    endpoint_url: str | None = None
    anonymous: bool = False

    def __post_init__(self) -> None:
        check(self)


@hookimpl
def mlforge_stores() -> list[StoreDescriptor]:
    """The one offline store."""
    summary = "Versions in a bucket of Google Cloud Storage."
    return [StoreDescriptor(name="gcs", summary=summary, api=1, config=GCSStore)]


@hookimpl
def mlforge_sources() -> list[SourceDescriptor]:
    """Objects in a bucket, as a source."""
    summary = "Files in a bucket of Google Cloud Storage."
    return [
        SourceDescriptor(name="gs", summary=summary, api=1, gives="objects", target="mlforge_gcs.source:open_source")
    ]
