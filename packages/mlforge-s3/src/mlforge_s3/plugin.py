"""What this plugin is: the S3 offline store, announced without importing a client."""

from __future__ import annotations

from typing import ClassVar

from mlforge.plugin import SourceDescriptor, StoreConfig, StoreDescriptor, hookimpl
from mlforge_s3.settings import check


class S3Store(StoreConfig, frozen=True, tag="s3"):
    """Keep every version of every feature in a bucket of Amazon S3, or of what speaks its protocol.

    Credentials come from AWS's own chain: variables, profiles, roles, single sign-on.

    Args:
        bucket: The bucket, which is there.
        prefix: Below which key, such as `team-a/features`; the whole bucket without one.
        region: Its region; without one, what AWS's own settings say, and else `us-east-1`.
        endpoint_url: Where S3 answers, if not at AWS: `http://localhost:9000`.
        profile: Which profile of AWS's settings is meant; what `AWS_PROFILE` says without one.
        anonymous: Ask without credentials, for a bucket that anybody may read.

    Raises:
        Invalid: A bucket or prefix that cannot be, or an `endpoint_url` that is no address.

    Example:
        >>> S3Store("shop-features", prefix="team-a", region="eu-central-1").kind
        's3'
    """

    target: ClassVar[str] = "mlforge_s3.store:open_store"

    bucket: str
    prefix: str = ""
    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    anonymous: bool = False

    def __post_init__(self) -> None:
        check(self)


@hookimpl
def mlforge_stores() -> list[StoreDescriptor]:
    """The one offline store."""
    return [StoreDescriptor(name="s3", summary="Versions in a bucket of Amazon S3.", api=1, config=S3Store)]


@hookimpl
def mlforge_sources() -> list[SourceDescriptor]:
    """Objects in a bucket, as a source."""
    summary = "Files in a bucket of Amazon S3."
    return [
        SourceDescriptor(name="s3", summary=summary, api=1, gives="objects", target="mlforge_s3.source:open_source")
    ]
