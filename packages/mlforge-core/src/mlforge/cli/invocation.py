"""What a command has in hand: where it was called, in which words it answers, and how it fails."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO, cast

import click

from mlforge.model.visible import visible

if TYPE_CHECKING:
    from mlforge.cli.catalog.live import LiveCatalog
    from mlforge.cli.served import Served
    from mlforge.definitions import Definitions
    from mlforge.flow.progress import Tell
    from mlforge.project.project import Project

STDOUT, STDERR = 1, 2
_HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


class Invocation:
    """One call of `mlforge`: `click.pass_obj` hands it to every command, a plugin's too."""

    def __init__(self) -> None:
        self.debug = False
        self.loudness: Literal[-1, 0, 1] = 0
        self.out: TextIO | None = None
        self.named = ""  # `--profile` and `--target` as the call has them, for hints

    @property
    def json(self) -> bool:
        """Whether a program reads the answer: one JSON document on stdout, and nothing else there."""
        return self.out is not None

    def answer_in_json(self, ctx: click.Context) -> None:
        """Keep stdout for the answer; what anybody else prints there goes to stderr."""
        if self.out is None:
            ctx.find_root().with_resource(self._alone_on_stdout())

    def answer_no_more(self) -> None:
        """All is said: what a thread or a hook still prints while Python ends goes to stderr, too."""
        if self.out is not None and _is_stdout(sys.stdout):
            sys.stdout.flush()
            _lead_to_stderr()

    @contextlib.contextmanager
    def _alone_on_stdout(self) -> Iterator[None]:
        shared = sys.stdout
        try:
            with contextlib.redirect_stdout(sys.stderr), _apart(shared) as self.out:
                yield
        finally:
            self.out = shared

    def be_quiet(self) -> None:
        """Say nothing but the answer and errors."""
        self.loudness = -1
        self.set_logs()

    def be_verbose(self) -> None:
        """Say each step, and what is noteworthy."""
        self.loudness = 1
        self.set_logs()

    def set_logs(self) -> None:
        """Log as much as is to be said; while debugging all is."""
        from mlforge.cli.logs import show_from

        if not self.debug:
            show_from(self.loudness)

    def answer_in_json_anyway(self) -> None:
        """Where a wrong call ended before its `--json` was read."""
        self.out = self.out or sys.stdout

    def definitions(self, target: str | None = None, profile: str | None = None) -> Definitions:
        """The definitions the user means, found as `--target` says.

        A `profile` is looked at here where what is asked may need none: a wrong one is told all the same.

        Raises:
            NotFound: There are none.
            Invalid: There are several, or they fail to import.
            Unknown: There is no such profile.
        """
        from mlforge.project.loader import load_project

        here = Path.cwd()
        with warnings.catch_warnings(record=True) as told:
            if not sys.warnoptions:
                warnings.simplefilter("default")
            project = load_project(target, here)
        for warning in told:
            self._pass_on(warning, project.root)
        self._say_which(project, target)
        if profile is not None:
            project.settings(profile)
        return cast("Definitions", project)

    def served(
        self,
        target: str | None = None,
        profile: str | None = None,
        features: tuple[str, ...] = (),
        meanwhile: Callable[[], object] = lambda: None,
        lock: str | Path | None = None,
        policy: str = "refuse",
    ) -> Served:
        """What there is to serve. The definitions, and the libraries they import, stay out of this process.

        Args:
            target: Where the definitions are, as `--target` says.
            profile: A profile of `mlforge.yaml`.
            features: Serve these from the profile's online store, and read no definitions.
            meanwhile: What this process may do while the definitions are read.
            lock: The file of a lock: serve nothing but what it has.
            policy: What may be served in the lock's place: `refuse`, `refresh` or `warn`.

        Raises:
            NotFound: There are no definitions, or no lock.
            Invalid: There is no online store, or the definitions fail to import.
        """
        from mlforge.cli.served import served, served_by_name
        from mlforge.flow.lock import Lock, checked_policy

        held, how = Lock.load(lock) if lock is not None else None, checked_policy(policy)
        found = (
            served_by_name(features, profile, Path.cwd())
            if features
            else served(Invocation().definitions, target, profile, meanwhile)
        )
        return found if held is None else found.locked(held, how)

    def live_catalog(
        self, target: str | None = None, profile: str | None = None, *, store_only: bool = False
    ) -> LiveCatalog:
        """The catalog over the stores as they are now: a context manager that is asked for its files.

        Args:
            target: Where the definitions are, as `--target` says; they are read once.
            profile: A profile of `mlforge.yaml`.
            store_only: Read no definitions: tell what the profile's stores alone tell.

        Raises:
            NotFound: There are no definitions, and no profile names an offline store.
            Invalid: The definitions fail to import.
        """
        from mlforge.cli.catalog.live import LiveCatalog
        from mlforge.cli.catalog.shown import shown

        return LiveCatalog(shown(self.definitions, target, profile, store_only=store_only))

    def answer(self, document: object, show: Callable[[], None]) -> None:
        """Answer with a JSON document, or with what `show` prints."""
        if self.out is None:
            show()
            return
        from mlforge.cli.views.documents import encode

        self.out.write(encode(document))
        self.out.flush()

    def working(self) -> contextlib.AbstractContextManager[Tell]:
        """Somewhere to report progress to, shown on stderr."""
        from mlforge.cli.views.terminal import working

        return working(self.loudness)

    def warn(self, text: str) -> None:
        """Say something on stderr that is no error."""
        if self.loudness < 0:
            return
        say_error("Warning:", "yellow", text)

    def _say_which(self, project: Project, target: str | None) -> None:
        """Which file was taken, where that is not the one that anybody would look into."""
        from mlforge.plugin.where import shown
        from mlforge.project.loader import NAMED

        if self.loudness >= 0 and target is None and project.file is not None and project.file != Path.cwd() / NAMED:
            say_error("Definitions:", "cyan", shown(project.file))

    def _pass_on(self, warning: warnings.WarningMessage, root: Path) -> None:
        """A warning about the user's own files, or one that Python shows anyway."""
        path = Path(warning.filename)
        own = path.is_relative_to(root)
        if own or not issubclass(warning.category, _HIDDEN):
            self.warn(f"{path.relative_to(root) if own else path.name}, line {warning.lineno}: {warning.message}")


@contextlib.contextmanager
def _apart(stdout: TextIO) -> Iterator[TextIO]:
    """A way to stdout of the answer's own; what is written there otherwise, by a child process too, goes to stderr."""
    if not _is_stdout(stdout):
        yield stdout
        return
    stdout.flush()
    own = open(os.dup(STDOUT), "w", encoding=stdout.encoding, errors=stdout.errors)  # noqa: PTH123, SIM115 - below
    _lead_to_stderr()
    try:
        yield own
    finally:
        with contextlib.suppress(OSError):
            stdout.flush()
        os.dup2(own.fileno(), STDOUT)
        with contextlib.suppress(OSError):  # its reader is gone, which was told when the answer was written
            own.close()


def _is_stdout(stream: TextIO) -> bool:
    """Whether a stream is what the process has as its stdout, and no stand-in."""
    try:
        return stream.fileno() == STDOUT
    except (OSError, ValueError):
        return False


def _lead_to_stderr() -> None:
    """Let what is written to stdout by its number go to stderr; nowhere, where that is closed."""
    try:
        os.dup2(STDERR, STDOUT)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


@contextlib.contextmanager
def made_here(name: str) -> Iterator[None]:
    """Making a folder in the current one, all of it or nothing. Raises `PluginFailed` where that cannot be written."""
    from mlforge.errors import PluginFailed
    from mlforge.plugin.hints import disk_hint

    folder = Path(name)
    there = folder.is_dir()
    try:
        yield
    except BaseException as error:
        _unmake(folder, there)
        if not isinstance(error, OSError):
            raise
        raise PluginFailed(
            f"{name}/ cannot be made here: {error.strerror or error}.",
            hint=disk_hint(error, "Call it in a folder of yours."),
        ) from error


def _unmake(folder: Path, was_there: bool) -> None:
    """Remove what was made of a folder, so that it can be made again; an empty one that was there stays."""
    import shutil

    with contextlib.suppress(OSError):
        for path in folder.iterdir() if was_there else (folder,):
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def say_error(label: str, color: str, text: str) -> None:
    """One line on stderr: a coloured label and a text."""
    styled = None if "NO_COLOR" not in os.environ else False
    click.echo(f"{click.style(label, fg=color, bold=True)} {visible(text)}", err=True, color=styled)
