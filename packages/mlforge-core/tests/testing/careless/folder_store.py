"""A store of folders that is right, or makes one mistake."""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed, Unsupported
from mlforge.model.meta import Artifact, FeatureMeta, Part, Target
from mlforge.model.version import Version
from mlforge.plugin import API_VERSION, StoreConfig, StoreDescriptor


class FolderStore(StoreConfig, frozen=True, tag="folder"):
    """Keeps versions at `path`; `mistake` names what it does wrong."""

    target: ClassVar[str] = "folder_store:LiveFolderStore"

    path: str
    mistake: str = ""


PROCESS = threading.Lock()
OPEN_TO_OTHERS = {"looks, then writes", "a lock of the process"}
DESCRIPTOR = StoreDescriptor(name="folder", summary="Versions in folders", api=API_VERSION, config=FolderStore)


class LiveFolderStore:
    def __init__(self, config: FolderStore) -> None:
        self.mistake = config.mistake
        self.root = Path(config.path)

    def __enter__(self) -> Self:
        if self.mistake == "leaves files open":
            self.file = os.open(__file__, os.O_RDONLY)
        if self.mistake == "leaves threads":
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def names(self) -> list[str]:
        self._refuse_broken()
        found = [p.name for p in self.root.glob("*") if self.versions(p.name)]
        if self.mistake == "one list for all who ask":
            self.seen = getattr(self, "seen", found)
            return self.seen
        if self.mistake == "names folded":
            found = list({n.lower() for n in found})
        return found[::-1] if self.mistake == "unsorted names" else sorted(found)

    def _refuse_broken(self) -> None:
        if self.mistake == "asking makes folders":
            self.root.joinpath("spend", "1.0.0").mkdir(parents=True, exist_ok=True)
            self.root.joinpath("spend", "1.0.0", ".meta.json").touch()
        if any(p.is_file() for p in (self.root, *self.root.parents)):
            if self.mistake == "errors as they come":
                raise NotADirectoryError(self.root)
            raise PluginFailed(f"{self.root} is no folder.", hint="Give it a folder.")

    def versions(self, name: str) -> list[str]:
        self._refuse_broken()
        if self.mistake == "versions are remembered":
            self.known = getattr(self, "known", {})
            return self.known.setdefault(name, self._versions(name))
        return self._versions(name)

    def _versions(self, name: str) -> list[str]:
        name = name[:20] if self.mistake == "names are cut" else name
        name = name.replace("_", "?") if self.mistake == "names are patterns" else name
        seen = "*/data.parquet" if self.mistake == "seen before the commit" else "*/.meta.json"
        found = [p.parent.name for p in (self.root / name).glob(seen)]
        return sorted(found) if self.mistake == "versions sorted as text" else sorted(found, key=Version.parse)

    def latest(self, name: str) -> str | None:
        self._refuse_broken()
        pointer = self.root / name / "_latest.json"
        if not pointer.exists():
            return None
        if self.mistake == "the pointer is remembered":
            self.pointed = getattr(self, "pointed", {})
            return self.pointed.setdefault(name, self._decode(pointer, str))
        if self.mistake == "a damaged pointer is none":
            return self._decode(pointer, str) if pointer.stat().st_size == 7 else None
        return self._decode(pointer, str)

    def _decode(self, path: Path, kind: Any) -> Any:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (ValueError, msgspec.MsgspecError) as error:
            if self.mistake == "damage as it comes":
                raise
            raise Invalid(f"{path} is damaged: {error}.", hint="Restore it.") from error

    def begin(self, name: str, format: str) -> Target:
        if format != "parquet":
            raise Unsupported(f"No {format} here.", hint="Write parquet.")
        self._refuse_unsafe(name)
        self._refuse_broken()
        if self.mistake == "begun ones are swept":
            for old in self.root.glob(f"{name}/.staging-*/data.parquet"):
                old.unlink()
        folder = next(filter(self._make, (self.root / name / f".staging-{i}" for i in itertools.count())))
        if self.mistake == "seen before the commit":
            folder = self.root / name / f"0.0.{len(list((self.root / name).glob('*')))}"
        if self.mistake == "one address for all":
            folder = self.root / name / ".staging"
        folder.mkdir(parents=True, exist_ok=True)
        return Target(name, str(folder / "data.parquet"), format, gone=str(folder / "gone.parquet"))

    def _make(self, folder: Path) -> bool:
        """Whether this made the folder, and nobody else."""
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return True
        return False

    def _refuse_unsafe(self, name: str) -> None:
        plain = name.replace("_", "a") if self.mistake == "no hyphens" else name.replace("_", "a").replace("-", "a")
        if (self.mistake != "any name goes" and not plain.isalnum()) or name.startswith("_"):
            raise Invalid(f"{name!r} is no name.", hint="Use letters and digits.")

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        with self._turn():
            return self._commit(target, meta, expected)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time, whoever commits; SQLite's lock goes with a process that dies."""
        if self.mistake == "looks, then writes":
            yield
        elif self.mistake == "a lock of the process":
            with PROCESS:
                yield
        else:
            with closing(sqlite3.connect(self.root.with_name("lock.db"), timeout=60, isolation_level=None)) as lock:
                lock.execute("BEGIN IMMEDIATE")
                yield

    def _commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        self._refuse_conflict(target.name, meta.version, expected)
        if self.mistake in OPEN_TO_OTHERS:
            time.sleep(0.01)  # what is between the look and the write takes a moment, on any machine
        place = self.root / target.name / meta.version
        written = [Path(uri) for uri in (target.uri, target.gone) if Path(uri).exists()]
        kept = () if self.mistake == "forgets earlier parts" else meta.parts
        if self.mistake == "forgets what went":
            written = written[:1]
        parts = (*kept, *(self._part(meta, path) for path in written))
        digest = hashlib.sha256("".join(p.hash for p in parts).encode()).hexdigest()
        if self.mistake == "long metadata are cut":
            meta = msgspec.structs.replace(meta, columns=meta.columns[:500])
        whole = msgspec.structs.replace(meta, parts=parts, content_hash=digest)
        if self.mistake == "forgets metadata":
            whole = msgspec.structs.replace(whole, tags=(), max_age=None)
        if self.mistake == "pointer before the data":
            self._write(self.root / target.name / "_latest.json", meta.version)
        place.mkdir(exist_ok=True)
        for path in written:
            path.rename(place / path.name)
        self._write(place / ".meta.json", whole)
        self._write(self.root / target.name / "_latest.json", meta.version)
        return whole

    def _part(self, meta: FeatureMeta, path: Path) -> Part:
        gone, step, data = path.name == "gone.parquet", meta.increment, path.read_bytes()
        rows = meta.row_count if step is None or not meta.parts else step.gone if gone else step.rows
        digest = hashlib.sha256(data[: 1 << 20] if self.mistake == "the first bytes are hashed" else data).hexdigest()
        return Part(f"{meta.version}/{path.name}", rows, len(data), digest, "gone" if gone else "rows")

    def _refuse_conflict(self, name: str, version: str, expected: str | None) -> None:
        if self.mistake != "versions are replaced" and version in self.versions(name):
            raise Conflict(f"{name} {version} is there.", hint="Take another version.")
        if self.mistake == "none expects anything" and expected is None:
            return
        if self.mistake != "pointer not compared" and self.latest(name) != expected:
            raise Conflict(f"{name} has moved.", hint="Decide again.")

    def _write(self, path: Path, value: Any) -> None:
        if self.mistake == "written in place":
            path.write_bytes(msgspec.json.encode(value))
            return
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.write_bytes(msgspec.json.encode(value))
        aside.replace(path)

    def abort(self, target: Target) -> None:
        if self.mistake == "abort by prefix":
            for begun in self.root.glob(f"{target.name}*/.staging-*/*"):
                begun.unlink()
            return
        if self.mistake == "abort twice fails" or Path(target.uri).exists():
            Path(target.uri).unlink()

    def get(self, name: str, version: str) -> Artifact:
        place = self.root / name / version
        if version not in self.versions(name):
            raise NotFound(f"No {name} {version}.", hint="Build it.")
        if self.mistake == "damaged metadata are skipped" and not (place / ".meta.json").read_bytes().endswith(b"}"):
            return self.get(name, "1.0.0")
        meta = self._decode(place / ".meta.json", FeatureMeta)
        return Artifact(meta, tuple(str(place.parent / part.path) for part in meta.parts))

    def verify(self, artifact: Artifact, relied: bool) -> None:
        pairs = list(zip(artifact.meta.parts, artifact.uris, strict=True))
        if self.mistake == "looks at the newest part alone":
            pairs = pairs[-1:]
        for part, uri in pairs if self.mistake != "relies on anything" else ():
            data = Path(uri).read_bytes()
            found, recorded = hashlib.sha256(data).hexdigest(), part.hash
            if self.mistake == "looks at sizes alone":
                found, recorded = str(len(data)), str(part.bytes)
            if found != recorded:
                raise Invalid(f"{artifact.meta.name} {artifact.meta.version} is damaged.", hint="Build it again.")

    def point(self, name: str, version: str) -> None:
        if self.mistake != "pointer to nothing":
            self.get(name, version)
        self._write(self.root / name / "_latest.json", version)
