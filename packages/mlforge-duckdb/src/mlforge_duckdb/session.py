"""A connection of its own, its tables, and a folder for what does not fit into memory."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from mlforge.errors import Invalid, PluginFailed
from mlforge.plugin import Scan
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.temporary import TemporaryFolder
from mlforge_duckdb.edge import too_little_memory
from mlforge_duckdb.plugin import DuckDBEngine

_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET ieee_floating_point_ops = true",
    "SET autoinstall_known_extensions = false",
    "SET enable_progress_bar = false",
    "SET asof_loop_join_threshold = 0",  # the size of a frame from outside is not known, and may be any
)

Work = Callable[[duckdb.DuckDBPyConnection], object]

_SIDE_BY_SIDE = 4  # queries at most: each needs memory of its own

_KEPT = "SET block_allocator_memory = '10%'"
"""Of the memory there may be, what DuckDB does not give back to the system between two queries, but uses again."""


class Session:
    """A connection to a database in memory that spills into a folder; both are gone after `close`."""

    def __init__(self, config: DuckDBEngine) -> None:
        self._numbers = itertools.count()
        self._files: dict[int, tuple[Path, ...]] = {}
        self._file: dict[int, Path] = {}
        self._objects: Any = None
        self._folder = _folder(config)
        try:
            self.connection = _connected(config, self.folder)
        except BaseException:
            self._folder.cleanup()
            raise

    @property
    def folder(self) -> Path:
        """Where temporary files go."""
        return self._folder.path

    def close(self) -> None:
        self.connection.close()
        self._folder.cleanup()

    def know(self, scan: Scan) -> None:
        """Read the objects of a source from its bucket, where it lies in one."""
        if scan.objects is not None:
            from mlforge_duckdb.objects import ObjectFiles  # brings a library that is seldom needed

            if self._objects is None:
                self._objects = ObjectFiles()
                self.connection.register_filesystem(self._objects)
            self._objects.know(scan)

    def fresh(self, kind: str) -> str:
        """A name that nothing has yet."""
        return f"mlforge_{kind}_{next(self._numbers)}"

    def own(self, frame: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation | None:
        """The relation on this connection; None where it reads what only another connection sees."""
        try:
            return self.connection.sql("SELECT * FROM frame")
        except duckdb.InvalidInputException:
            return None

    def keep(self, frame: duckdb.DuckDBPyRelation, query: str = "FROM frame") -> duckdb.DuckDBPyRelation:
        """The rows of a query over `frame`, computed once; dropped with the last reference to the answer."""
        name = self.store(frame, query)
        return self.lent(f"FROM {name}", name)

    def store(self, frame: duckdb.DuckDBPyRelation, query: str, view: str = "frame") -> str:
        """The name of a new table of the rows of a query over `frame`, which it calls `view`."""
        name = self.fresh("rows")
        frame.query(view, f"CREATE TABLE {name} AS {query}")
        return name

    def make(self, query: str) -> str:
        """The name of a new table of a query's rows."""
        name = self.fresh("rows")
        self.connection.execute(f"CREATE TABLE {name} AS {query}")
        return name

    def make_each(self, queries: Sequence[str]) -> list[str]:
        """The names of new tables of the rows of some queries, which are run a few side by side."""
        names = [self.fresh("rows") for _ in queries]
        self.run_each([f"CREATE TABLE {name} AS {query}" for name, query in zip(names, queries, strict=True)])
        return names

    def run_each(self, statements: Sequence[str]) -> None:
        """Run statements that do not need each other, a few side by side."""
        self.do_each([_running(statement) for statement in statements])

    def do_each(self, works: Sequence[Work]) -> None:
        """Do works that do not need each other, a few side by side, each on a connection of its own; one alone here."""
        if len(works) == 1:
            works[0](self.connection)
            return
        if len(works) > self.side_by_side:
            self.connection.execute(_KEPT)
        with ThreadPoolExecutor(self.side_by_side) as pool:
            work = [pool.submit(self._do_aside, each) for each in works]
            try:
                for done in as_completed(work):
                    done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _do_aside(self, work: Work) -> None:
        with self.connection.cursor() as aside:
            _set(aside)
            work(aside)

    @cached_property
    def side_by_side(self) -> int:
        """How many statements are run at once."""
        return min(_SIDE_BY_SIDE, self.value("SELECT current_setting('threads')"))

    def value(self, query: str) -> int:
        """The one integer that a query gives."""
        return int(self.connection.execute(query).fetchall()[0][0])

    def drop(self, *names: str) -> None:
        """Forget tables."""
        for name in names:
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")

    def lent(self, query: str, *names: str) -> duckdb.DuckDBPyRelation:
        """A query over tables, which are dropped with the last reference to the answer."""
        answer = self.connection.sql(query)
        weakref.finalize(answer, _drop, weakref.ref(self), names)
        return answer

    def read(self, query: str, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """A query that reads all rows of some files, in order; they are removed with the last reference to it."""
        answer = self.connection.sql(query)
        self._files[id(answer)] = tuple(files)
        weakref.finalize(answer, _remove, weakref.ref(self), id(answer))
        return answer

    def files(self, frame: duckdb.DuckDBPyRelation) -> tuple[Path, ...]:
        """The files that hold a relation's rows, if files do."""
        return self._files.get(id(frame), ())

    def remember_file(self, frame: duckdb.DuckDBPyRelation, path: Path) -> None:
        """Know the one file that a relation's files were made."""
        self._file[id(frame)] = path

    def file(self, frame: duckdb.DuckDBPyRelation) -> Path | None:
        """The one file that a relation's files were made, as long as it is there."""
        path = self._file.get(id(frame))
        return path if path is not None and path.is_file() else None

    def forget(self, number: int) -> None:
        self._file.pop(number, None)
        for file in self._files.pop(number, ()):
            file.unlink(missing_ok=True)

    def register(self, stream: Any) -> str:
        """A name for an Arrow stream that can be read more than once; it stays until the session ends."""
        name = self.fresh("stream")
        self.connection.register(name, stream)
        return name


def asked(frame: duckdb.DuckDBPyRelation, query: str, view: str = "frame") -> duckdb.DuckDBPyRelation:
    """The answer to a query over a relation, which it calls `view`; computed late, on the relation's connection."""
    answer = frame.query(view, query)
    if answer is None:
        raise PluginFailed("DuckDB answered a query with nothing.", hint=query)
    return answer


def _running(statement: str) -> Work:
    return lambda connection: connection.execute(statement)


def _drop(session: weakref.ref[Session], names: tuple[str, ...]) -> None:
    live = session()
    if live is not None:
        with contextlib.suppress(duckdb.Error):  # the connection is closed, and the tables went with it
            live.drop(*names)


def _remove(session: weakref.ref[Session], number: int) -> None:
    live = session()
    if live is not None:
        live.forget(number)


def _set(connection: duckdb.DuckDBPyConnection) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)


def _folder(config: DuckDBEngine) -> TemporaryFolder:
    try:
        if config.temp_directory:
            Path(config.temp_directory).mkdir(parents=True, exist_ok=True)
        return TemporaryFolder("duckdb", config.temp_directory)
    except OSError as error:
        raise PluginFailed(
            f"temp_directory {config.temp_directory!r} cannot be used: {reason(error)}", hint="Name another folder."
        ) from error


def _connected(config: DuckDBEngine, folder: Path) -> duckdb.DuckDBPyConnection:
    given = {"memory_limit": config.memory_limit, "threads": config.threads, "temp_directory": str(folder)}
    try:
        connection = duckdb.connect(":memory:", config={k: v for k, v in given.items() if v is not None})
        _set(connection)
    except duckdb.OutOfMemoryException as error:
        raise too_little_memory(error) from error
    except duckdb.Error as error:
        raise Invalid(
            f"DuckDB refuses its settings: {reason(error)}", hint='Such as memory_limit="4GB", threads=4.'
        ) from error
    return connection
