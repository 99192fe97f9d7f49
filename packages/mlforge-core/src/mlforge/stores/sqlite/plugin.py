"""The embedded online store: entries in one SQLite file."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from mlforge.errors import Invalid
from mlforge.plugin import API_VERSION, OnlineStoreConfig, OnlineStoreDescriptor, hookimpl
from mlforge.plugin.limits import refuse_seconds


class SQLiteOnlineStore(OnlineStoreConfig, frozen=True, tag="sqlite"):
    """Serves values from one file, without a server: many reading processes, one writing at a time.

    Args:
        path: The file; it is made by the first publish. A relative one starts at the project's folder.
        timeout: Seconds to wait for another writer.

    Raises:
        Invalid: An empty path, an address of another kind of store, or a timeout that is not positive.

    Example:
        >>> SQLiteOnlineStore("online.db").path
        'online.db'
    """

    target: ClassVar[str] = "mlforge.stores.sqlite.store:LiveSQLiteOnlineStore"

    path: str = "online.db"
    timeout: float = 30.0

    if TYPE_CHECKING:

        def __init__(self, path: str | PathLike[str] = "online.db", timeout: float = 30.0) -> None: ...

    def __post_init__(self) -> None:
        path: Any = fspath(self.path)
        if not isinstance(path, str) or not path.strip() or "\0" in path or "://" in path or path == ":memory:":
            raise Invalid(f"A SQLiteOnlineStore cannot be kept at {path!r}.", hint='SQLiteOnlineStore("online.db")')
        msgspec.structs.force_setattr(self, "path", path)
        refuse_seconds("timeout", self.timeout)

    def at(self, root: Path) -> Self:
        return msgspec.structs.replace(self, path=str(root / Path(self.path).expanduser()))


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """The embedded online store."""
    summary = "Values in one SQLite file, without a server."
    return [OnlineStoreDescriptor(name="sqlite", summary=summary, api=API_VERSION, config=SQLiteOnlineStore)]
