"""Hold a lock, fork a child that lives on, let go, and print whether the lock is free."""

import os
import sys
from pathlib import Path

from mlforge.plugin.temporary import Hold
from mlforge.stores.local import disk

path = Path(sys.argv[1])
listening, speaking = os.pipe()
with disk.locked(path):
    child = os.fork()
    if child == 0:
        os.close(speaking)
        os.read(listening, 1)
        os._exit(0)
print("free" if Hold(path).taken else "kept")
os.close(speaking)
os.waitpid(child, 0)
