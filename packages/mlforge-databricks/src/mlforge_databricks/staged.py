"""What engines wrote before a commit: a table that nobody reads, or files that a volume brings to one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlforge.errors import NotFound, PluginFailed, Unsupported
from mlforge.model.meta import Target
from mlforge.plugin.objects.staging import Staging
from mlforge_databricks import address, sql
from mlforge_databricks.address import Table
from mlforge_databricks.failures import Refused, is_absent
from mlforge_databricks.statements import Statements
from mlforge_databricks.tables import GONE, Rows, Tables


class Staged:
    """Where engines write, and how a query reads it from there."""

    def __init__(self, statements: Statements, tables: Tables, place: tuple[str, str, str | None], form: str) -> None:
        self._statements = statements
        self._tables = tables
        self._place = place
        self._form = form
        self._here = Staging()

    def begin(self, name: str, format: str) -> Target:
        """A target with an address that nobody reads."""
        table = self._tables.begun(name)
        if format == "delta":
            gone = Table(table.catalog, table.schema, table.name + GONE)
            return Target(name, table.uri, self._form, token=table.name, gone=gone.uri)
        if self._place[2] is None:
            raise Unsupported(
                "What this engine builds are files, and the store has no volume to bring them by.",
                hint='Give it one: UnityCatalogStore(…, volume="mlforge"), after CREATE VOLUME; or build with Spark.',
            )
        folder = self._here.fresh()
        data, gone_file = (str(folder / f"{stem}.{format}") for stem in ("data", "gone"))
        return Target(name, data, format, token=table.name, gone=gone_file)

    def table(self, target: Target) -> Table:
        """The table that was begun with a target."""
        return Table(self._place[0], self._place[1], target.token)

    @contextmanager
    def rows(self, target: Target, grows: bool) -> Iterator[Rows]:
        """How a query reads what was written; files are in the volume as long as this lasts.

        Only of a version that `grows` on another are rows gone.
        """
        if target.uri.startswith(address.SCHEME):
            yield self._in_tables(target, grows)
            return
        sent = [path for path in (Path(target.uri), Path(target.gone)) if path.is_file()]
        if not Path(target.uri).is_file():
            raise NotFound(f"Nothing was written to {target.uri}.", hint="Build it again.")
        there = {path: f"{self._volume}/{target.token}.{path.name}" for path in sent}
        try:
            for path, where in there.items():
                self._statements.send(str(path), where)
            yield Rows(*(f"parquet.{sql.name(where)}" for where in there.values()))
        finally:
            for where in there.values():
                with suppress(PluginFailed):
                    self._statements.remove(where)

    @property
    def _volume(self) -> str:
        catalog, schema, volume = self._place
        return f"/Volumes/{catalog}/{schema}/{volume}/.mlforge"

    def _in_tables(self, target: Target, grows: bool) -> Rows:
        table, gone = address.parse(target.uri), address.parse(target.gone)
        if not self._is_there(table):
            raise NotFound(f"Nothing was written to {table.shown}, or it was removed.", hint="Build it again.")
        return Rows(table.quoted, gone.quoted if grows and self._is_there(gone) else None)

    def _is_there(self, table: Table) -> bool:
        try:
            self._statements.columns(table.quoted)
        except Refused as error:
            if is_absent(error):
                return False
            raise
        return True

    def drop(self, target: Target, kept: Table | None = None) -> None:
        """Remove what was written, but for the table that is kept as it is."""
        if not target.uri.startswith(address.SCHEME):
            with suppress(OSError):
                if Path(target.uri).parent.parent == self._here.root:
                    shutil.rmtree(Path(target.uri).parent, ignore_errors=True)
            return
        for table in map(address.parse, (target.uri, target.gone)):
            if table != kept:
                self._tables.drop(table)

    def close(self) -> None:
        """Remove what is on this machine."""
        self._here.close()
