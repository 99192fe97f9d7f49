"""`mlforge …` in a process of its own that starts in milliseconds: forked of one that has everything imported.

It has its own arguments, folder, environment, standard streams and exit code, as if it had been started; what Python
reads once, at its start, is that of the first. Where a system has no such processes, or a call changes what Python
reads at its start, it is started.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import pickle
import pkgutil
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

WARM = (
    "mlforge.cli.app",
    "mlforge.definitions",
    "mlforge.metrics",
    "mlforge.project.loader",
    "mlforge.stores.local.store",
    "mlforge.stores.sqlite.store",
    "mlforge.validators",
    "mlforge_polars.engine",
    "mlforge_serve.run",
    "polars._utils.parquet",
    "rich.table",
    "yaml",
)
COMMAND = (sys.executable, "-m", "mlforge")
UNKEPT = "PYTHONDONTWRITEBYTECODE"
"""No bytecode of a project is kept: of a file that is edited twice within a second Python would take the former."""
LONGEST = 1 << 17
"""Bytes of a call: arguments and environment."""


def run(words, cwd, env, timeout=120):
    """Run a command to its end; what it printed, as text."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(words, cwd, env, out, err)
        try:
            process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        printed = [_printed(stream) for stream in (out, err)]
    return subprocess.CompletedProcess([*COMMAND, *words], process.returncode, *printed)


def start(words, cwd, env, out, err):
    """Begin a command that reads nothing and prints into two files; what can be done with it is as with a `Popen`."""
    env = {"PYTHONWARNINGS": "error"} | env | {UNKEPT: "1"}
    if not _can_be_forked(env):
        return subprocess.Popen([*COMMAND, *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    call = pickle.dumps((words, str(cwd), env))
    assert len(call) < LONGEST
    ours, theirs = socket.socketpair()
    with theirs, Path(os.devnull).open("rb") as nothing:
        socket.send_fds(_server(), [call], [s.fileno() for s in (theirs, nothing, out, err)])
    return Forked(ours)


class Forked:
    """A command that runs."""

    def __init__(self, said):
        self._said = said
        self.pid = self._number()
        self.returncode = None

    def poll(self):
        """The exit code; None while there is none."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        """The exit code, as `subprocess` says it. Raises `TimeoutExpired`."""
        if self.returncode is None:
            self._said.settimeout(timeout)
            try:
                self.returncode = self._number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(COMMAND, timeout) from None
            self._said.close()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def _number(self):
        (number,) = struct.unpack("i", self._said.recv(4))
        return number


def _can_be_forked(env):
    """Whether there are processes to wait for by a handle, and nothing is said to Python itself."""
    known = _USUAL | os.environ | {UNKEPT: "1"}
    said = {k for k, v in env.items() if k.startswith("PYTHON") and known.get(k) != v}
    return hasattr(os, "pidfd_open") and not said


_USUAL = {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}


def _printed(stream):
    stream.seek(0)
    return stream.read().decode("utf-8")


@functools.cache
def _server():
    """The process that others are forked of, one for each process of the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        env = {k: v for k, v in os.environ.items() if not k.startswith("MLFORGE")} | _USUAL
        command = [sys.executable, str(Path(__file__)), str(theirs.fileno())]
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, env=env, pass_fds=[theirs.fileno()], stdin=null, stdout=null)
    atexit.register(process.wait, 30)
    atexit.register(ours.close)
    return ours


def serve(asked):
    """Fork a process for each call, until nobody can call any more; in each of them, return."""
    running = {}
    with selectors.DefaultSelector() as ready:
        ready.register(asked, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not asked:
                    ready.unregister(key.fileobj)
                    _tell_end(key.fileobj, *running.pop(key.fileobj))
                    continue
                call, handles, _, _ = socket.recv_fds(asked, LONGEST, 4)
                if not call:
                    os._exit(0)
                pid = os.fork()
                if not pid:
                    _forget(asked, running)
                    return _become(*pickle.loads(call), *handles)
                handle = os.pidfd_open(pid)
                running[handle] = (pid, _told_begin(pid, *handles))
                ready.register(handle, selectors.EVENT_READ)


def _told_begin(pid, status, *streams):
    for stream in streams:
        os.close(stream)
    said = socket.socket(fileno=status)
    said.send(struct.pack("i", pid))
    return said


def _tell_end(handle, pid, status):
    _, ended = os.waitpid(pid, 0)
    os.close(handle)
    with status, suppress(OSError):  # whoever asked may have gone
        status.send(struct.pack("i", os.waitstatus_to_exitcode(ended)))


def _forget(asked, running):
    """Let go of what the process that was forked has open of others."""
    asked.close()
    for handle, (_, status) in running.items():
        os.close(handle)
        status.close()


def _become(words, cwd, env, status, *streams):
    """Be the process that was asked for."""
    os.close(status)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    import mlforge.__main__ as program

    sys.dont_write_bytecode = True
    sys.argv = [program.__file__, *words]
    sys.path[0] = cwd


def main():
    """Import what commands need, and wait for calls."""
    import mlforge.cli.commands
    import mlforge.cli.views
    from mlforge.plugin.registry import registry

    for package in (mlforge.cli.commands, mlforge.cli.views):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in WARM:
        importlib.import_module(name)
    registry()
    asked = socket.socket(fileno=int(sys.argv[1]))
    serve(asked)
    mlforge.cli.main()


if __name__ == "__main__":
    main()
