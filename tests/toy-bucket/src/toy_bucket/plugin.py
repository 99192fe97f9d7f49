"""What the plugin brings."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import msgspec

from mlforge.errors import Invalid
from mlforge.plugin import StoreConfig, StoreDescriptor, hookimpl

KNOWN = ("file", "memory")
"""The filesystems of which somebody knows how only one of two writers wins."""


class FsspecStore(StoreConfig, frozen=True, tag="fsspec"):
    """Keeps every version of every feature below an address of fsspec.

    Args:
        url: `file:///data/features`, a folder; or `memory://features`, which ends with the process.
    """

    target: ClassVar[str] = "toy_bucket.bucket:open_store"

    url: str = "file://feature_store"

    def __post_init__(self) -> None:
        scheme, _, place = self.url.partition("://")
        if scheme not in KNOWN:
            raise Invalid(
                f"fsspec cannot write to {scheme!r} under a condition, so of two builds at once one would be lost.",
                hint='Use "file://…" or "memory://…", or a store that the service has of its own: S3Store, GCSStore.',
            )
        if not place.strip("/"):
            raise Invalid(f"{self.url!r} names no folder.", hint='FsspecStore("file:///data/features")')

    def at(self, root: Path) -> Self:
        """The same with a relative folder below the project's."""
        scheme, _, place = self.url.partition("://")
        return self if scheme == "memory" else msgspec.structs.replace(self, url=f"file://{root / place}")


@hookimpl
def mlforge_stores() -> list[StoreDescriptor]:
    """One offline store."""
    summary = "Versions below an address of fsspec"
    return [StoreDescriptor(name="fsspec", summary=summary, api=1, config=FsspecStore)]
