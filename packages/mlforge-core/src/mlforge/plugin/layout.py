"""What a store's folders and files are called, and how its metadata is written and read back.

The last field of a file, `crc`, is the CRC-32 of all bytes before it. Files of an mlforge that wrote none are read as
they are: their last field is another that is known.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from mlforge.errors import Conflict, Invalid, MlforgeError, NotFound
from mlforge.model.meta import DataFile, FeatureMeta, Manifest, Part
from mlforge.model.version import Version

META = ".meta.json"
LATEST = "_latest.json"
DATA, GONE = "data", "gone"
MANIFEST = ("_metadata", "manifest.json")
FORMATS = ("parquet",)
LONGEST_NAME = 200
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\[\]]')
LOOK = "Look at the whole store with mlforge store verify"
"""How a hint about damage begins: one file that is damaged is seldom the only one."""
RESTORE = f"{LOOK}, then restore the file from a copy, or remove the feature's folder and build it again."
UPGRADE = "Upgrade mlforge: a later one wrote it."
LAYOUT = 1
"""How metadata is laid out. A later mlforge whose files are not to be read by this one says so in their `layout`."""
UNREAD = f"{LOOK}, and see the cause: a file that is gone or damaged."
T = TypeVar("T")


class Pointer(msgspec.Struct, frozen=True):
    """The content of `_latest.json`: the version that is read where none is named."""

    version: str

    def __post_init__(self) -> None:
        Version.parse(self.version)


def way_out(
    name: str, versions: Sequence[str], is_whole: Callable[[str], bool], read: Callable[[], str | None] = lambda: None
) -> str:
    """The hint to go to the newest of some versions that is whole, unless readers get one of them that is.

    Args:
        name: The feature.
        versions: Those to go to, oldest first.
        is_whole: Whether one is whole; it may raise where one is not.
        read: Which version readers get; it may raise, too.
    """
    with suppress(MlforgeError):
        if (version := read()) in versions and version is not None and is_whole(version):
            return f"{LOOK}, then restore the file from a copy. Readers get {version}, which is whole."
    for version in reversed(versions):
        with suppress(MlforgeError):
            if is_whole(version):
                return f"{LOOK}, then go to another version: mlforge rollback {name} {version}"
    return RESTORE


def led_out(error: MlforgeError, hint: Callable[[], str]) -> MlforgeError:
    """The same error with the way out as its hint; out of a later mlforge's layout there is one way alone."""
    return type(error)(error.message, hint=UPGRADE if error.hint == UPGRADE else hint())


def rebuild(name: str) -> str:
    """The hint to build a feature anew whose data is damaged or gone."""
    again = f"build a new version: mlforge build --features {name} --full-refresh"
    return f"{LOOK}, then restore the file from a copy, or {again}"


def is_missed(
    name: str, numbers: Collection[str], latest: Callable[[], str | None], manifest: Callable[[], Manifest | None]
) -> bool:
    """Whether some of these versions without metadata should have it: the pointer or the manifest names one.

    Somebody removed it then, and may bring it back, so their data is nobody's leftover. So it is where the pointer is
    damaged, and may name any.
    """
    if not numbers:
        return False
    try:
        named = {latest()}
    except Invalid:
        return True
    entry = kept.features.get(name) if (kept := manifest()) else None
    return not {*named, *(entry.versions if entry else ())}.isdisjoint(numbers)


def is_safe(name: str) -> bool:
    """Whether a feature's name is one plain part of a path that no reader takes for a pattern."""
    if not name or name[0] in "._" or name[-1] in ". " or _UNSAFE.search(name):
        return False
    return len(name.encode(errors="surrogatepass")) <= LONGEST_NAME and name.isprintable()


def safe_name(name: str) -> str:
    """The name, where it is safe. Raises `Invalid`."""
    if not is_safe(name):
        raise Invalid(
            f"{name!r} cannot be a feature's name: a folder is called like it.",
            hint=f"Use letters, digits, - and _, a letter or digit first, {LONGEST_NAME} bytes at most.",
        )
    return name


def safe_version(version: str) -> str:
    """The version, where it is a number and so one plain part of a path. Raises `Invalid`."""
    return str(Version.parse(version))


def safe_parts(meta: FeatureMeta) -> FeatureMeta:
    """The metadata, where all it names stays below its feature. Raises `Invalid`."""
    decode_meta(encode(meta), safe_name(meta.name), safe_version(meta.version), f"The metadata of {meta.name!r}")
    return meta


def differs(where: object) -> Conflict:
    """The error for something that is there and is not what is to be copied to its place."""
    return Conflict(
        f"{where} is there, and is not what is to be copied there.",
        hint="Nothing is overwritten: copy to an empty store, or one that has nothing but copies.",
    )


def not_sent(part: Part) -> Invalid:
    """The error for a part whose bytes came otherwise than they were committed."""
    return Invalid(
        f"The data {part.path} came damaged: its bytes are not those that were committed.",
        hint="See what is wrong where it comes from: mlforge store verify",
    )


def encode(value: msgspec.Struct) -> bytes:
    """JSON for people: indented, with a checksum as its last field and a line's end at the end."""
    try:
        fields = msgspec.json.format(msgspec.json.encode(value), indent=2)[: -len(b"\n}")]
    except UnicodeEncodeError as error:
        raise Invalid(
            f"{error.object!r} cannot be stored: it has half a character.",
            hint="Write it without: it was read from a file whose encoding is not UTF-8, or cut in the middle.",
        ) from None
    return fields + _seal(fields) + b"\n"


def decode(data: bytes, kind: type[T], where: object) -> T:
    """What was written with `encode`. Raises `Invalid` naming the file for anything else, be it by one bit."""
    refuse_later(data, where)
    try:
        return unsealed(data, kind)
    except (ValueError, RecursionError, MlforgeError) as error:
        raise Invalid(f"{where} is damaged: {error}.", hint=RESTORE) from error


class _Laid(msgspec.Struct):
    layout: int = LAYOUT


def refuse_later(data: bytes, where: object) -> None:
    """Raise `Invalid` for what a later mlforge wrote in a layout that is not known here."""
    if b'"layout"' not in data:
        return
    try:
        laid = msgspec.json.decode(data, type=_Laid).layout
    except (ValueError, RecursionError):
        return
    if laid > LAYOUT:
        raise Invalid(f"{where} has the layout {laid}, which is not known here.", hint=UPGRADE)


def unsealed(data: bytes, kind: type[T]) -> T:
    """What was written with `encode`, lines ending as anywhere. Raises what `msgspec` does, or another `ValueError`."""
    value = msgspec.json.decode(data, type=kind)
    text = (data.replace(b"\r\n", b"\n") if b"\r" in data else data).rstrip()
    if text[-_SEAL:] != _seal(text[:-_SEAL]) and _is_sealed(data, kind):
        raise ValueError("its checksum is that of other bytes")
    return value


def _seal(fields: bytes) -> bytes:
    return b',\n  "crc": "%08x"\n}' % crc32(fields)


_SEAL = len(_seal(b""))


def _is_sealed(data: bytes, kind: type[Any]) -> bool:
    """Whether the last field is none of the struct's: that of a checksum, its name damaged or not."""
    *_, last = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return last not in {field.encode_name for field in msgspec.structs.fields(kind)}


def decode_meta(data: bytes, name: str, version: str, where: object) -> FeatureMeta:
    """A version's metadata. Raises `Invalid` where it is damaged or tells of another version."""
    meta = decode(data, FeatureMeta, where)
    if (meta.name, meta.version) != (name, version):
        told = f"it tells of {meta.name} {meta.version}"
    elif not meta.parts:
        told = "it names no data"
    elif unsafe := [p.path for p in meta.parts if not _is_below(p.path)]:
        told = f"{unsafe[0]!r} is no file of the feature"
    else:
        return meta
    raise Invalid(f"{where} is damaged: {told}.", hint=RESTORE)


def _is_below(path: str) -> bool:
    """Whether a part's path stays below the feature's folder."""
    return not ("\\" in path or ":" in path or "\0" in path) and not {"", ".", ".."} & set(path.split("/"))


def damaged(where: object, meta: FeatureMeta, part: Part) -> Invalid:
    """The error for a data file whose bytes are not those that were committed."""
    return Invalid(
        f"{where} is damaged: its bytes are not those that were committed of {meta.name} {part.version}.",
        hint=rebuild(meta.name),
    )


def gone(where: object, meta: FeatureMeta) -> NotFound:
    """The error for a data file that is no longer there."""
    return NotFound(f"The data of {meta.name} {meta.version} is gone: {where}.", hint=rebuild(meta.name))


def complete(meta: FeatureMeta, files: Sequence[DataFile]) -> FeatureMeta:
    """The metadata with its parts and content hash: the data's SHA-256, or that of its parts' where there are several.

    The parts of earlier versions that it has already stay, first.
    """
    of_role: Counter[str] = Counter(f.role for f in files)
    mine = [Part(f"{meta.version}/{f.path}", _rows(meta, of_role, f), f.bytes, f.hash, f.role) for f in files]
    parts = (*meta.parts, *mine)
    content = parts[0].hash if len(parts) == 1 else hashlib.sha256("".join(p.hash for p in parts).encode()).hexdigest()
    return msgspec.structs.replace(meta, parts=parts, content_hash=content)


def _rows(meta: FeatureMeta, of_role: Mapping[str, int], file: DataFile) -> int:
    """How many rows a file has; of several of one role the store cannot know how many each has: -1."""
    if of_role[file.role] > 1:
        return -1
    if meta.increment is None or not (meta.parts or file.role == "gone"):
        return meta.row_count
    return meta.increment.rows if file.role == "rows" else meta.increment.gone
