"""Several workers: processes that share one listening socket, and one process that keeps their number."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

TOO_SOON = 2.0
"""Seconds: a worker that ends before that has not begun to serve."""
TRIES = 5
_log = logging.getLogger("mlforge.serve")


def watch_over(workers: int, work: Callable[[int], None], patience: float) -> int:
    """Keep workers going until a signal comes; then let them finish, for `patience` seconds. Returns an exit code."""
    return _Watch(work, patience).over(workers)


class _Watch:
    def __init__(self, work: Callable[[int], None], patience: float) -> None:
        self.work, self.patience = work, patience
        self.children: dict[int, tuple[int, float]] = {}
        self.stopping = False
        self.failures = 0

    def over(self, workers: int) -> int:
        for sort in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sort, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        for number in range(workers):
            self._begin(number)
        while self.children:
            self._mourn(*os.wait())
        return 1 if self.failures >= TRIES else 0

    def _begin(self, number: int) -> None:
        pid = os.fork()
        if not pid:
            self._serve(number)
        self.children[pid] = (number, time.monotonic())
        if self.stopping:  # the signal came between
            os.kill(pid, signal.SIGTERM)

    def _serve(self, number: int) -> NoReturn:
        """What a worker does; it never comes back from here."""
        code = 1
        try:
            self.work(number)
            code = 0
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
            self.stopping = True
            signal.setitimer(signal.ITIMER_REAL, self.patience)
        self._tell(signal.SIGTERM)

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
