"""Several workers: processes that share an address, and one process that keeps their number."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from socket import socket
from typing import Any, NoReturn

TOO_SOON = 2.0
"""Seconds: a worker that ends before that has not begun to serve."""
TRIES = 5
STOPS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("mlforge.serve")


Work = Callable[[int, socket], int]


def code_after(stop: int) -> int:
    """The exit code of what a signal stopped in order: 0, as for any server, and 130 for Ctrl-C, as for any command."""
    return 128 + stop if stop == signal.SIGINT else 0


def watch_over(sockets: Sequence[socket], work: Work, patience: float) -> int:
    """Keep a worker for each socket going until a signal comes; then let them finish, for `patience` seconds.

    The sockets stay open here too: what is asked while a worker is replaced waits for the next. Returns an exit code.
    """
    return _Watch(sockets, work, patience).over()


class _Watch:
    def __init__(self, sockets: Sequence[socket], work: Work, patience: float) -> None:
        self.sockets, self.work, self.patience = sockets, work, patience
        self.children: dict[int, tuple[int, float]] = {}
        self.stopping = False
        self.stop = 0
        self.failures = 0

    def over(self) -> int:
        for sort in STOPS:
            signal.signal(sort, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        for number in range(len(self.sockets)):
            self._begin(number)
        while self.children:
            self._mourn(*os.wait())
        return 1 if self.failures >= TRIES else code_after(self.stop)

    def _begin(self, number: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # a signal is for the parent, or for the worker: never for half
        pid = os.fork()
        if not pid:
            for sort in STOPS:
                signal.signal(sort, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
            self._serve(number)
        self.children[pid] = (number, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        if self.stopping:  # the signal came between
            os.kill(pid, signal.SIGTERM)

    def _serve(self, number: int) -> NoReturn:
        """What a worker does; it never comes back from here."""
        code = 1
        try:
            self._close(but=number)
            code = self.work(number, self.sockets[number])
        except Exception as error:  # noqa: BLE001 - it ends here, in words
            _log.error("worker %d: %s", number, error, exc_info=error if _is_debugged() else None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _mourn(self, pid: int, status: int) -> None:
        number, began = self.children.pop(pid, (-1, 0.0))
        if number < 0 or self.stopping:
            return
        soon = time.monotonic() - began < TOO_SOON
        self.failures = self.failures + 1 if soon else 0
        if self.failures >= TRIES:
            _log.error("the workers end as soon as they begin: giving up")
            self._stop(signal.SIGTERM, None)
            return
        _log.error("worker %d ended with %d: another takes its place", number, os.waitstatus_to_exitcode(status))
        if soon:
            time.sleep(0.1 * 2**self.failures)
        self._begin(number)

    def _stop(self, number: int, frame: Any) -> None:
        """Tell the workers to finish what they do."""
        if not self.stopping:
            self.stopping, self.stop = True, number
            self._close()
            signal.setitimer(signal.ITIMER_REAL, self.patience)
        self._tell(signal.SIGTERM)

    def _close(self, but: int | None = None) -> None:
        """Listen no more, or at one socket only."""
        for number, one in enumerate(self.sockets):
            if number != but:
                one.close()

    def _kill(self, number: int, frame: Any) -> None:
        _log.error("%d workers did not finish in time", len(self.children))
        self._tell(signal.SIGKILL)

    def _tell(self, number: int) -> None:
        for pid in list(self.children):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _is_debugged() -> bool:
    return logging.getLogger("mlforge").isEnabledFor(logging.DEBUG)
