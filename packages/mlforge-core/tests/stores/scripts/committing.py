"""Commit versions of spend, each under the next free number. Arguments: a store, metadata, how many, and who commits.

Prints each version that was committed and its data.
"""

import sys
from pathlib import Path

import msgspec

from mlforge.errors import Conflict
from mlforge.model.meta import FeatureMeta
from mlforge.model.version import Version
from mlforge.stores.local.plugin import LocalStore


def commit_next(store, target, meta):
    while True:
        latest, taken = store.latest("spend"), store.versions("spend")
        number = str(Version.parse(taken[-1]).bump("patch")) if taken else "1.0.0"
        try:
            return store.commit(target, msgspec.structs.replace(meta, version=number), latest)
        except Conflict:
            continue


def main(root, meta, count, who):
    with LocalStore(root).open() as store:
        for i in range(count):
            target = store.begin("spend", "parquet")
            data = f"{who}-{i}" * 1000
            Path(target.uri).write_text(data)
            print(commit_next(store, target, meta).version, f"{who}-{i}")


if __name__ == "__main__":
    template = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=FeatureMeta)
    main(sys.argv[1], template, int(sys.argv[3]), sys.argv[4])
