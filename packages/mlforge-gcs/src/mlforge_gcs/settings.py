"""What the settings of a `GCSStore` must be, checked when they are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlforge.errors import Invalid
from mlforge.plugin.objects.settings import check_endpoint, check_prefix

if TYPE_CHECKING:
    from mlforge_gcs.plugin import GCSStore

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PROJECT = re.compile(r"[a-z0-9.:-]+")


def check(config: GCSStore) -> None:
    """Raise `Invalid` for a setting that cannot be, naming it."""
    if not _BUCKET.fullmatch(config.bucket):
        raise Invalid(
            f"bucket is {config.bucket!r}.",
            hint='Give its name alone: GCSStore("shop-features", prefix="team-a"); a-z, 0-9, ., _ and -.',
        )
    check_prefix(config.prefix)
    check_endpoint(config.endpoint_url, "http://localhost:4443")
    if config.project is not None and not _PROJECT.fullmatch(config.project):
        raise Invalid(f"project is {config.project!r}.", hint="Give its id, as in: gcloud config get project")
