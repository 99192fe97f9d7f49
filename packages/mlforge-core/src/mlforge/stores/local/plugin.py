"""The local store: versions in a folder."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args

import msgspec

from mlforge.errors import Invalid
from mlforge.model.text import has_half
from mlforge.plugin import API_VERSION, StoreConfig, StoreDescriptor, Verify, hookimpl


class LocalStore(StoreConfig, frozen=True, tag="local"):
    """Keeps every version of every feature in a folder.

    Args:
        path: The folder; it is made by the first build. A relative one starts at the project's folder.
        verify: When data files are held against the hashes that were recorded: `relied`, where something that stays
            relies on them (a lock, a replay, a publish, an increment); `always`, before every reading; or `never`.

    Raises:
        Invalid: An empty path, an address of another kind of store, or another word for `verify`.

    Example:
        >>> LocalStore("feature_store").path
        'feature_store'
    """

    target: ClassVar[str] = "mlforge.stores.local.store:LiveLocalStore"

    path: str = "feature_store"
    verify: Verify = "relied"

    if TYPE_CHECKING:

        def __init__(self, path: str | PathLike[str] = "feature_store", verify: Verify = "relied") -> None: ...

    def __post_init__(self) -> None:
        path: Any = fspath(self.path)
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            raise Invalid(f"A LocalStore cannot be kept at {path!r}.", hint='LocalStore("feature_store")')
        if has_half(path):
            raise Invalid(
                f"A LocalStore cannot be kept at {path!r}, which is no UTF-8 text.",
                hint="Give the folder another name, or a locale of UTF-8: LC_ALL=C.UTF-8.",
            )
        if "://" in path:
            raise Invalid(
                f"A LocalStore keeps a folder, and {path!r} is an address.",
                hint="Give a plain path.",
            )
        if self.verify not in get_args(Verify):
            raise Invalid(
                f"A LocalStore cannot verify {self.verify!r}.", hint='verify="relied", or "always", or "never".'
            )
        msgspec.structs.force_setattr(self, "path", path)

    def at(self, root: Path) -> Self:
        return msgspec.structs.replace(self, path=str(root / Path(self.path).expanduser()))


@hookimpl
def mlforge_stores() -> list[StoreDescriptor]:
    """The local store."""
    return [StoreDescriptor(name="local", summary="Versions in a folder.", api=API_VERSION, config=LocalStore)]
