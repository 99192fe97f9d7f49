"""Deadlines of many tasks with one timer between them: `asyncio.timeout` would make one for each."""

from __future__ import annotations

import asyncio

SHARE = 20
"""How many times within its time a task is looked at: it ends late by a twentieth at most."""


class Deadlines:
    """Cancels tasks that take longer than some seconds, all the same. Used in one event loop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: dict[asyncio.Task[object], float] = {}
        self._missed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[object]:
        """Give the running task its time from now on, and return it."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 - a coroutine is run by a task
        self._running[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds / SHARE, self._look)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Let a task take its time; one that has ended already is no error."""
        self._running.pop(task, None)

    def missed(self, task: asyncio.Task[object]) -> bool:
        """Whether a cancelled task was cancelled for being late; it may then go on."""
        if task not in self._missed:
            return False
        self._missed.remove(task)
        task.uncancel()
        return True

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = []
        for task, deadline in self._running.items():
            if deadline > now:
                break  # they began in this order
            late.append(task)
        for task in late:
            del self._running[task]
            self._missed.add(task)
            task.cancel()
        self._timer = loop.call_later(self.seconds / SHARE, self._look) if self._running else None
