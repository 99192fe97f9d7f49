"""The commits of managed Delta tables, which Unity Catalog puts in order.

A commit is a file beside the log until it is copied there, which is called to backfill it. Of those that are
backfilled only the latest is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mlforge_databricks.testing.answers import Asked, Body, Failure, absent, change, wrong
from mlforge_databricks.testing.known import Known, path

_MOST = 10
"""How many commits may wait to be backfilled."""


class Log(msgspec.Struct):
    """The commits of a table that are kept, by version, and up to which one they are backfilled."""

    kept: dict[int, Body] = {}
    backfilled: int = 0

    def latest(self) -> int:
        """The version of the table."""
        return max(self.kept, default=0)

    def backfill(self, version: int) -> None:
        """Forget what is in the log itself, up to a version."""
        self.backfilled = max(self.backfilled, version)
        for done in [one for one in self.kept if one <= min(self.backfilled, self.latest() - 1)]:
            del self.kept[done]

    def waiting(self) -> list[Body]:
        """The commits that are not backfilled, the newest first."""
        return [self.kept[version] for version in sorted(self.kept, reverse=True) if version > self.backfilled]


class Commits:
    """What is asked of commits."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._logs: dict[str, Log] = {}

    def doing(self) -> dict[tuple[str, str], Callable[[Asked], Body]]:
        """What is done, by method and path."""
        return {
            ("GET", "/delta/preview/commits"): self._list,
            ("POST", "/delta/preview/commits"): self._commit,
        }

    def _list(self, asked: Asked) -> Body:
        self._table(asked)
        log = self._log(asked)
        first, last = int(asked["start_version"]), asked.get("end_version")
        if first < 0 or (last is not None and int(last) < first):
            raise wrong(f"There are no versions from {first} to {last}.")
        most = max(first, min(log.kept, default=0)) + _MOST - 1
        end = most if last is None else min(int(last), most)
        found = [commit for commit in log.waiting() if first <= commit["version"] <= end]
        return {"commits": found, "latest_table_version": log.latest()}

    def _log(self, asked: Asked) -> Log:
        return self._logs.setdefault(asked["table_id"], Log())

    def _table(self, asked: Asked) -> Body:
        told = next((one for one in self._known.tables.values() if one["table_id"] == asked["table_id"]), None)
        if told is None:
            raise absent("TABLE", asked["table_id"])
        if (told["table_type"], told.get("data_source_format")) != ("MANAGED", "DELTA"):
            raise wrong(f"Table '{asked['table_id']}' is no managed Delta table.")
        if told["storage_location"] != asked["table_uri"]:
            raise wrong(f"Table '{asked['table_id']}' is at {told['storage_location']}, not at {asked['table_uri']}.")
        return told

    def _commit(self, asked: Asked) -> Body:
        told, log = self._table(asked), self._log(asked)
        done, commit = asked.get("latest_backfilled_version"), asked.get("commit_info")
        if done is None and commit is None:
            raise wrong("There is neither a commit_info nor a latest_backfilled_version.")
        if done is not None and done > log.latest():
            raise wrong(f"Version {done} cannot be backfilled: the latest one is {log.latest()}.")
        if commit is not None and not self._is_again(told, log, Asked(commit)):
            self._add(log, Asked(commit), done)
            change(told, _metadata(asked.get("metadata") or {}))
        if done is not None:
            log.backfill(done)
        return {}

    def _is_again(self, told: Body, log: Log, commit: Asked) -> bool:
        """Whether a commit was accepted before, and its answer lost; another of its version is refused."""
        version = commit["version"]
        if not log.kept or version > log.latest():
            return False
        if version in log.kept:
            is_same = log.kept[version]["file_name"] == commit["file_name"]
        else:
            folder = path(told["storage_location"]) / "_delta_log"
            try:
                written = (folder / f"{version:020}.json").read_bytes()
                is_same = (folder / "_staged_commits" / commit["file_name"]).read_bytes() == written
            except OSError as error:
                raise Failure(500, "COMMIT_STATE_UNKNOWN", f"Version {version} cannot be read: {error}") from None
        if not is_same:
            raise Failure(409, "COMMIT_VERSION_CONFLICT", f"Version {version} is there; the latest is {log.latest()}.")
        return True

    def _add(self, log: Log, commit: Asked, done: int | None) -> None:
        version = commit["version"]
        if log.kept and version != log.latest() + 1:
            raise wrong(f"Version {version} does not follow the latest one, {log.latest()}.")
        after = len(log.waiting()) + 1 if done is None else version - max(done, log.backfilled)
        if log.kept and after > _MOST:
            raise Failure(429, "RESOURCE_EXHAUSTED", f"{_MOST} commits wait to be backfilled.")
        log.kept[version] = {name: commit[name] for name in _FIELDS}


_FIELDS = ("version", "timestamp", "file_name", "file_size", "file_modification_timestamp")


def _metadata(said: dict[str, Any]) -> Body:
    """What a commit says anew of a table."""
    columns = (said.get("schema") or {}).get("columns")
    properties = (said.get("properties") or {}).get("properties")
    return {"comment": said.get("description"), "columns": columns, "properties": properties}
