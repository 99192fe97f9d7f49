"""What engines write to a bucket themselves: the service copies it to where it stays, and it goes with the commit.

An engine does not know the version yet, so it writes to a folder of its own, `{feature}/_writing.{mark}`, of which no
reader knows. What a build that died has left there is a leftover as others are.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import cast

import msgspec

from mlforge.errors import Conflict, PluginFailed
from mlforge.model.meta import DataFile, Target
from mlforge.plugin import layout
from mlforge.plugin.objects.bucket import Bucket, CopyingBucket
from mlforge.plugin.objects.content import WRITING
from mlforge.plugin.objects.sending import Tally

AT_ONCE = 16
"""How many objects are copied at the same time."""


def target_in(bucket: Bucket, target: Target) -> Target | None:
    """The same target in the bucket; None where its service does not copy."""
    if not isinstance(bucket, CopyingBucket):
        return None
    place = f"{bucket.where}/{_folder(target)}"
    data, gone = (f"{place}/{stem}.{target.format}" for stem in (layout.DATA, layout.GONE))
    return msgspec.structs.replace(target, uri=data, gone=gone, options=bucket.options())


def is_direct(target: Target) -> bool:
    """Whether an engine writes to the bucket itself."""
    return "://" in target.uri


def copied(bucket: Bucket, target: Target, keys: Mapping[str, DataFile], tally: Tally) -> None:
    """Copy what was written, each file to its key. Raises `Conflict` for a file that is gone."""
    folder, copying = _folder(target), cast(CopyingBucket, bucket)
    tally.begin(sum(file.bytes for file in keys.values()))

    def copy(key: str) -> None:
        source = f"{folder}/{keys[key].path}"
        if not copying.copy(source, key):
            raise Conflict(f"{bucket.where}/{source} was removed before it was committed.", hint="Build it again.")
        tally.taken(keys[key].bytes)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(copy, keys))


def forget(bucket: Bucket, target: Target) -> None:
    """Remove what was written; what cannot be removed is a leftover."""
    with suppress(PluginFailed):
        bucket.delete([one.key for one in bucket.list(_folder(target))])


def _folder(target: Target) -> str:
    return f"{target.name}/{WRITING}{target.token}"
