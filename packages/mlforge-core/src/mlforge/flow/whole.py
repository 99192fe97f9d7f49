"""A file of the user's that is written as a whole, or stays what it was."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in the place of one, if that can be done; write into what is no file, or in a folder of others."""
    place = Path(os.path.realpath(path))
    if not os.access(place.parent, os.W_OK) or (place.exists() and not place.is_file()):
        place.write_bytes(data)
        return
    staged = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        staged.write_bytes(data)
        if place.exists():
            shutil.copymode(place, staged)
        staged.replace(place)
    finally:
        staged.unlink(missing_ok=True)
