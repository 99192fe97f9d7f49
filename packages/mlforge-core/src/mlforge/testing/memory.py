"""Stores in memory, assumed perfect: what flows are tested on, and what the kit's own store tests are tried on."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, Unsupported
from mlforge.model.meta import Artifact, FeatureMeta, Manifest, Part, Target
from mlforge.model.version import Version
from mlforge.plugin import (
    API_VERSION,
    Address,
    Entry,
    Lack,
    OnlineStoreConfig,
    OnlineStoreDescriptor,
    StoreConfig,
    StoreDescriptor,
)


class MemoryStore(StoreConfig, frozen=True, tag="memory"):
    """An offline store that forgets when it is closed; data files are in a temporary folder meanwhile.

    Example:
        >>> with MemoryStore().open() as store:
        ...     store.names()
        []
    """

    target: ClassVar[str] = "mlforge.testing.memory:LiveMemoryStore"


class MemoryOnlineStore(OnlineStoreConfig, frozen=True, tag="memory"):
    """An online store that forgets when it is closed.

    Example:
        >>> with MemoryOnlineStore().open() as store:
        ...     store.write([Entry("spend", "ab", "1.0.0", as_of=0, columns=("x",), points=(Point(None, (1,)),))])
        ...     store.read([Address("spend", "ab")])[0].points[0].values
        1
        (1,)
    """

    target: ClassVar[str] = "mlforge.testing.memory:LiveMemoryOnlineStore"


FORGETS = Lack("never", "It forgets when it is closed.")
STORE = StoreDescriptor(
    name="memory",
    summary="Forgets when it is closed",
    api=API_VERSION,
    config=MemoryStore,
    formats=("parquet", "jsonl"),
    lacks=dict.fromkeys(
        [
            "what_is_committed_is_there_after_reopening",
            "of_many_committers_at_once_exactly_one_wins",
            "of_builders_in_processes_none_loses_what_another_built",
            "a_kill_at_any_instant_leaves_the_old_version_whole",
            "a_kill_at_any_instant_of_an_increment_leaves_the_old_version_whole",
            "a_manifest_is_there_after_reopening",
            "a_damaged_manifest_is_none_and_can_be_written_again",
            "what_one_handle_commits_another_sees_at_once",
            "a_pointer_that_one_handle_moves_another_reads_at_once",
            "a_handle_that_is_behind_overwrites_nothing",
            "what_one_handle_has_begun_another_leaves_alone",
            "a_backend_that_fails_is_a_plugin_failure",
            "damaged_metadata_are_refused_and_named",
            "what_is_beside_damaged_metadata_is_read",
            "a_feature_goes_on_past_damaged_metadata",
            "a_damaged_pointer_is_refused_and_can_be_set_anew",
        ],
        FORGETS,
    ),
)
ONLINE_STORE = OnlineStoreDescriptor(
    name="memory",
    summary="Forgets when it is closed",
    api=API_VERSION,
    config=MemoryOnlineStore,
    lacks=dict.fromkeys(
        [
            "what_is_written_is_there_after_reopening",
            "a_note_is_there_after_reopening",
            "of_publishers_in_processes_the_newest_wins",
            "a_publisher_goes_on_while_others_come_and_go",
            "of_processes_that_count_in_a_note_none_loses_a_count",
            "a_publisher_that_is_killed_leaves_whole_entries_and_can_be_followed",
            "what_a_publisher_that_is_killed_was_told_is_kept_is_kept",
            "what_one_handle_writes_another_reads_at_once",
            "an_older_write_of_another_handle_changes_nothing",
            "a_note_that_another_handle_changed_is_left_alone",
            "handles_of_several_threads_write_at_once",
            "a_config_opens_its_store_as_often_as_is_asked",
            "a_backend_that_fails_is_a_plugin_failure",
            "a_ping_fails_where_the_backend_does",
            "opening_or_asking_a_backend_that_fails_is_a_plugin_failure",
        ],
        FORGETS,
    ),
)


class LiveMemoryStore:
    """Versions in dicts."""

    def __init__(self, config: MemoryStore) -> None:
        self.config = config
        self.artifacts: dict[str, dict[str, Artifact]] = {}
        self.pointers: dict[str, str] = {}
        self.manifest: Manifest | None = None
        self._folder = tempfile.TemporaryDirectory()
        self._begun = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()

    def names(self) -> list[str]:
        return sorted(self.artifacts)

    def versions(self, name: str) -> list[str]:
        return sorted(self.artifacts.get(name, ()), key=Version.parse)

    def latest(self, name: str) -> str | None:
        return self.pointers.get(name)

    def begin(self, name: str, format: str) -> Target:
        if format not in STORE.formats:
            raise Unsupported(f"The memory store does not keep {format}.", hint=f"One of {', '.join(STORE.formats)}.")
        if not name or set(name) & set("/\\\0") or name.startswith((".", "_")):
            raise Invalid(f"{name!r} cannot be the name of a feature.", hint="Use letters, digits and underscores.")
        self._begun += 1
        data, gone = (str(Path(self._folder.name, f"{self._begun}{role}.{format}")) for role in ("", "-gone"))
        return Target(name, data, format, gone=gone)

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        if meta.version in self.versions(target.name):
            raise Conflict(f"{target.name!r} {meta.version} is there already.", hint="Commit it as another version.")
        if self.latest(target.name) != expected:
            raise Conflict(f"{target.name!r} was built by somebody else meanwhile.", hint="Decide the version again.")
        there = self.artifacts.get(target.name, {}).values()
        known = {p.path: uri for a in there for p, uri in zip(a.meta.parts, a.uris, strict=True)}
        kept = [known[p.path] for p in meta.parts]
        uris = [uri for uri in (target.uri, target.gone) if Path(uri).exists()]
        parts = (*meta.parts, *(_part(meta, uri, "gone" if uri == target.gone else "rows") for uri in uris))
        content = hashlib.sha256("".join(p.hash for p in parts).encode()).hexdigest()
        whole = msgspec.structs.replace(meta, parts=parts, content_hash=content)
        self.artifacts.setdefault(target.name, {})[meta.version] = Artifact(whole, (*kept, *uris))
        self.pointers[target.name] = meta.version
        return whole

    def abort(self, target: Target) -> None:
        committed = (uri for versions in self.artifacts.values() for a in versions.values() for uri in a.uris)
        if target.uri not in committed:
            for uri in (target.uri, target.gone):
                Path(uri).unlink(missing_ok=True)

    def get(self, name: str, version: str) -> Artifact:
        if version not in self.artifacts.get(name, {}):
            raise NotFound(f"There is no {name!r} {version}.", hint="Build it.")
        return self.artifacts[name][version]

    def point(self, name: str, version: str) -> None:
        self.get(name, version)
        self.pointers[name] = version

    def read_manifest(self) -> Manifest | None:
        return self.manifest

    def write_manifest(self, manifest: Manifest) -> None:
        self.manifest = manifest


def _part(meta: FeatureMeta, uri: str, role: Literal["rows", "gone"]) -> Part:
    data, step = Path(uri).read_bytes(), meta.increment
    rows = meta.row_count if step is None or not meta.parts else step.rows
    gone = step.gone if step else 0
    digest = hashlib.sha256(data).hexdigest()
    return Part(f"{meta.version}/{Path(uri).name}", rows if role == "rows" else gone, len(data), digest, role)


class LiveMemoryOnlineStore:
    """Entries and notes in dicts, one thread at a time."""

    def __init__(self, config: MemoryOnlineStore) -> None:
        self.config = config
        self.entries: dict[Address, Entry] = {}
        self.notes: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.entries.clear()
        self.notes.clear()

    def write(self, entries: Iterable[Entry]) -> int:
        return sum(map(self._keep, entries))

    def _keep(self, entry: Entry) -> bool:
        with self._lock:
            there = self.entries.get(entry.address)
            if there is not None and there.as_of > entry.as_of:
                return False
            self.entries[entry.address] = entry
            return True

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        found = map(self.entries.get, addresses)
        return [e if e and e.points else None for e in found]

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        with self._lock:
            kept = list(self.entries.values())
        return (e.key for e in kept if e.feature == feature and e.as_of < as_of and e.points)

    def read_note(self, feature: str) -> bytes | None:
        return self.notes.get(feature)

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        with self._lock:
            if self.notes.get(feature) != before:
                return False
            self.notes[feature] = after
            return True

    def ping(self) -> None:
        return None
