"""Begin a version of spend, have a child that forgets the store and ends, say so, and wait to be killed."""

import os
import sys
from pathlib import Path

from mlforge.stores.local.plugin import LocalStore

store = LocalStore(sys.argv[1]).open()
target = store.begin("spend", "parquet")
Path(target.uri).write_bytes(b"half")
child = os.fork()
if child == 0:
    del store
    os._exit(0)
os.waitpid(child, 0)
print(target.token, flush=True)
sys.stdin.read()
