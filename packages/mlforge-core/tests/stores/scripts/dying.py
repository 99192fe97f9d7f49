"""Commit spend 1.1.0 again and again, each time dying one operation on the disk later, until a commit completes.

Arguments: a store to start from, a folder for the stores that are left behind (`1`, `2`, …), metadata, the first step.
Writes the operations of the commit that completed to `operations` in that folder.
"""

import itertools
import os
import shutil
import sys
import threading
from pathlib import Path

import msgspec

from mlforge.model.meta import FeatureMeta
from mlforge.stores.local.plugin import LocalStore

OPERATIONS = {
    "open",
    "write",
    "flush",
    "close",
    "__exit__",
    "fsync",
    "mkdir",
    "replace",
    "rename",
    "unlink",
    "rmdir",
    "flock",
}
OWNERS = {"posix", "fcntl", "_io"}
DIED = 9


def touches_disk(function):
    owner = getattr(function, "__self__", None)
    return function.__name__ in OPERATIONS and getattr(owner, "__name__", type(owner).__module__) in OWNERS


def die_at(step, seen):
    counter = itertools.count(1)

    def profile(_frame, event, function):
        if event == "c_call" and touches_disk(function):
            seen.append(function.__name__)
            if next(counter) == step:
                os._exit(DIED)

    threading.setprofile(profile)
    sys.setprofile(profile)


def build(root, meta, step):
    store, seen = LocalStore(root).open(), []
    die_at(step, seen)
    target = store.begin("spend", "parquet")
    Path(target.uri).write_bytes(b"new data")
    store.commit(target, meta, store.latest("spend"))
    sys.setprofile(None)
    (root.parent / "operations").write_text("\n".join(seen))


def main(start, left, meta, first):
    for step in itertools.count(first):
        shutil.copytree(start, left / str(step))
        child = os.fork()
        if child == 0:
            build(left / str(step), meta, step)
            sys.exit()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != DIED:
            sys.exit(code)


if __name__ == "__main__":
    template = msgspec.json.decode(Path(sys.argv[3]).read_bytes(), type=FeatureMeta)
    main(Path(sys.argv[1]), Path(sys.argv[2]), template, int(sys.argv[4]))
