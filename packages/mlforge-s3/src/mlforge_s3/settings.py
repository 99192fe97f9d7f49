"""What the settings of an `S3Store` must be, checked when they are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlforge.errors import Invalid
from mlforge.plugin.objects.settings import check_endpoint, check_prefix

if TYPE_CHECKING:
    from mlforge_s3.plugin import S3Store

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]+")


def check(config: S3Store) -> None:
    """Raise `Invalid` for a setting that cannot be, naming it."""
    if not _BUCKET.fullmatch(config.bucket):
        raise Invalid(
            f"bucket is {config.bucket!r}.",
            hint='Give its name alone: S3Store("shop-features", prefix="team-a"); 3 to 63 of a-z, 0-9, . and -.',
        )
    check_prefix(config.prefix)
    check_endpoint(config.endpoint_url, "http://localhost:9000")
    if config.region is not None and not _REGION.fullmatch(config.region):
        raise Invalid(f"region is {config.region!r}.", hint="Write it as AWS does: eu-central-1.")
    if config.anonymous and config.profile is not None:
        raise Invalid("A profile is given, and anonymous says to use no credentials.", hint="Leave one of them out.")
