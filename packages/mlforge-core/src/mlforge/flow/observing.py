"""Telling observers what happens: each in a thread of its own, so that none can hurt or hold up the work."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from queue import Full, Queue
from threading import Event as Signal
from threading import Thread, Timer
from time import monotonic, perf_counter
from typing import Any, Self, TypeVar

from mlforge.errors import MlforgeError
from mlforge.flow.moments import Clock, now
from mlforge.model.text import number_of
from mlforge.plugin.events import Event, Failed
from mlforge.plugin.observers import ObserverConfig
from mlforge.plugin.registry import registry

MOST = 10_000
"""How many events may wait for an observer; of more than that it is not told."""
QUICK = 1.0
"""How many seconds an observer may take in the thread of the work before that is told."""
_log = logging.getLogger("mlforge.observers")
_HOLDS_UP = "The observer %r holds up the work: its here() has taken %g s. Nothing may be waited for there."
E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Failed)
Words = dict[str, Any]


class Audience:
    """Those who look on at some work. In a `with`: at its end they are waited for, each as long as its patience is.

    Args:
        project: The name of the definitions.
        configs: The observers of the project; those that attend everything come by themselves.
        clock: The present.
    """

    def __init__(self, project: str, configs: Iterable[ObserverConfig] = (), clock: Clock = now) -> None:
        self.project, self.clock = project, clock
        chosen = {config.kind: config for config in (*registry().attending.values(), *configs)}
        self._listeners = [Listener(config) for config in chosen.values()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        begun = monotonic()
        for listener in self._listeners:
            listener.end()
        for listener in self._listeners:
            listener.wait(begun)

    def watching(self) -> Watch:
        """A piece of work to tell of."""
        return Watch(self)

    def tell(self, make: Callable[[], Event]) -> None:
        """Tell everybody; what there is to tell is made only where somebody looks on."""
        if self._listeners:
            event = make()
            for listener in self._listeners:
                listener.tell(event)


class Watch:
    """A piece of work: what is told of it bears the same `run`."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._started = perf_counter()
        self._run = str(uuid.uuid4())

    def tell(self, kind: type[E], words: Callable[[], Words]) -> None:
        """Tell of something that happened."""
        self._audience.tell(lambda: kind(**self._words(), **words()))

    def fail(self, kind: type[F], error: str, message: str, words: Callable[[], Words]) -> None:
        """Tell of a failure."""
        self._audience.tell(
            lambda: kind(**self._words(), **words(), error=error, message=message, seconds=self.seconds)
        )

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return perf_counter() - self._started

    def _words(self) -> Words:
        at = self._audience.clock().isoformat().replace("+00:00", "Z")
        return {"run": self._run, "at": at, "project": self._audience.project}


class Listener:
    """One observer: a queue of what it was not told yet, and the thread that tells it. Nothing here ever raises."""

    def __init__(self, config: ObserverConfig) -> None:
        self.config: ObserverConfig | None = _here(config)
        self.kind, self.patience = config.kind, config.patience
        self._queue: Queue[Event | None] = Queue(MOST)
        self._done = Signal()
        self._thread: Thread | None = None
        self._failures = self._lost = 0

    def tell(self, event: Event) -> None:
        """Put an event where the observer takes it."""
        if self.config is None:
            return
        if self._thread is None:
            self._thread = Thread(target=self._listen, name=f"mlforge-{self.kind}", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(event)
        except Full:
            self._lost += 1

    def end(self) -> None:
        """Let it end once it has taken all there is."""
        if self._thread is not None:
            try:
                self._queue.put_nowait(None)
            except Full:
                self._lost += 1

    def wait(self, begun: float) -> None:
        """Wait until it has ended, and no longer than its patience is; tell of what it was not told."""
        if self._thread is None:
            return
        if not self._done.wait(max(0.0, begun + self.patience - monotonic())):
            _log.warning(
                "The observer %r was waited for %g s, and has %d events to take. They are lost if this process ends.",
                self.kind, self.patience, self._queue.qsize() + 1,
            )  # fmt: skip
        if self._failures > 1:
            _log.warning("The observer %r failed at %s more.", self.kind, number_of(self._failures - 1, "event"))
        if self._lost:
            _log.warning("The observer %r is too slow: it was not told of %d events.", self.kind, self._lost)

    def _listen(self) -> None:
        assert self.config is not None  # noqa: S101 - or there would be no thread
        try:
            with self.config.open() as observer:
                while (event := self._queue.get()) is not None:
                    self._told(observer, event)
        except BaseException as error:  # noqa: BLE001 - whatever it raises, the work goes on
            self._failed("cannot look on", error)
        finally:
            self._done.set()

    def _told(self, observer: Any, event: Event) -> None:
        try:
            observer.observe(event)
        except Exception as error:  # noqa: BLE001 - it is told of the next all the same
            self._failed(f"failed at {type(event).__name__}", error)

    def _failed(self, what: str, error: BaseException) -> None:
        """Log the first failure in full; of others only how many there are."""
        self._failures += 1
        if self._failures == 1:
            hint = f" {error.hint}" if isinstance(error, MlforgeError) and error.hint else ""
            said = error.message if isinstance(error, MlforgeError) else f"{type(error).__name__}: {error}"
            _log.warning("The observer %r %s: %s%s", self.kind, what, said, hint)
            _log.debug("The observer %r %s", self.kind, what, exc_info=error)


def _here(config: ObserverConfig) -> ObserverConfig | None:
    """What the thread of the work knows. It cannot be asked in another one, nor stopped: that it hangs can be told."""
    if type(config).here is ObserverConfig.here:
        return config
    told = Timer(QUICK, _log.warning, [_HOLDS_UP, config.kind, QUICK])
    told.daemon = True
    told.start()
    try:
        return config.here()
    except Exception as error:  # noqa: BLE001 - whatever it raises, the work goes on
        _log.warning("The observer %r cannot look on: %s: %s", config.kind, type(error).__name__, error)
        return None
    finally:
        told.cancel()
