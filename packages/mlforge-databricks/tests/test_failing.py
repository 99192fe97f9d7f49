"""A statement that fails for good: what is told as failed changed nothing, and what was done is not told as failed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from mlforge.errors import MlforgeError
from mlforge.model.meta import Increment
from mlforge.plugin import verify
from mlforge.testing.versions import meta_of
from mlforge_databricks import address
from mlforge_databricks.failures import refused
from mlforge_databricks.store import LiveUnityCatalogStore

TS = datetime(2024, 2, 29, tzinfo=UTC)
ROWS = pa.table({"user": [1, 2], "ts": [TS] * 2, "x__sum__7d": [0.5, None]})


class Failing:
    """Statements whose n-th change is refused, or is done while its answer is an error; and those after it, if told."""

    def __init__(self, statements: Any, step: int, done: bool, lasting: bool) -> None:
        self._statements = statements
        self._left = step
        self._done, self._lasting = done, lasting
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statements, name)

    def rows(self, statement: str) -> Any:
        if statement.startswith(("SELECT", "DESCRIBE", "SHOW")):
            return self._statements.rows(statement)
        self._left -= 1
        fails = self._left == 0 or (self._left < 0 and self._lasting)
        if fails:
            self.failed = True
            if self._done:
                self._statements.rows(statement)
            raise refused("here", "PERMISSION_DENIED", "User has no right to it")
        return self._statements.rows(statement)


def commit(workspace: Any, store: Any, version: str, **more: Any) -> None:
    """As a build does it: what fails is aborted."""
    target = store.begin("spend", "delta")
    try:
        workspace.lake.write(address.parse(target.uri).shown, ROWS)
        store.commit(target, meta_of(version, **more), store.latest("spend"))
    except BaseException:
        store.abort(target)
        raise


def increment(workspace: Any, store: Any) -> None:
    parts = store.get("spend", "1.1.0").meta.parts
    commit(workspace, store, "1.1.1", parts=parts, increment=Increment("1.1.0", rows=2))


DOING = {
    "first build": ([], lambda workspace, store: commit(workspace, store, "1.0.0"), (["1.0.0"], "1.0.0")),
    "increment": (["1.0.0", "1.1.0"], increment, (["1.0.0", "1.1.0", "1.1.1"], "1.1.1")),
    "rollback": (["1.0.0", "1.1.0"], lambda _, store: store.point("spend", "1.0.0"), (["1.0.0", "1.1.0"], "1.0.0")),
    "prune": (["1.0.0", "1.1.0"], lambda _, store: store.prune("spend", 1), (["1.1.0"], "1.1.0")),
}


@pytest.mark.parametrize("kind", ["refused", "refused from then on", "its answer lost"])
@pytest.mark.parametrize(
    ("doing", "table_per_version"), [*((doing, False) for doing in DOING), ("increment", True), ("prune", True)]
)
def test_whatever_statement_fails_a_version_is_there_and_latest_or_not_there(
    store_of, workspace, tmp_path, doing, table_per_version, kind
):
    before, act, after = DOING[doing]
    failed, step = True, 0
    while failed:
        step += 1
        config = store_of(tmp_path / str(step), table_per_version=table_per_version)
        with config.open() as store:
            for version in before:
                commit(workspace, store, version)
            failing = Failing(store.statements, step, kind == "its answer lost", kind == "refused from then on")
            told = True
            with suppress(MlforgeError):
                act(workspace, LiveUnityCatalogStore(config, failing))
                told = False
            failed = failing.failed
            here = store.versions("spend"), store.latest("spend")
            unchanged = before, before[-1] if before else None
            if doing == "prune":  # it removes a version before it frees what that took
                assert here in (after, unchanged) if told else here == after
            else:
                assert here == (unchanged if told else after), f"{doing}, statement {step}: told={told}"
            for version in here[0]:
                verify(store, store.get("spend", version), relied=True)
            commit(workspace, store, "2.0.0")
            assert store.latest("spend") == "2.0.0"
