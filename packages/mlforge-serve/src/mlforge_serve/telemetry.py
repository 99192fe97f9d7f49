"""What is counted: numbers that all workers share, told as Prometheus text.

Every worker owns a part of one piece of shared memory and alone writes there, so nothing is locked; whichever worker is
asked adds the parts up. What a worker counted stays when it dies and another takes its place.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from time import time

from mlforge_serve.__about__ import __version__
from mlforge_serve.problems import CODES

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROUTES = (
    "/features/online", "/features/batch", "/features", "/features/{name}", "/health", "/ready", "/metrics",
    "/openapi.json", "/docs", "other",
)  # fmt: skip
SERVING = ROUTES[:2]
OUTCOMES = ("present", "missing", "expired", "stale")
ERRORS = (*CODES, "gone", "handshake")
GAUGES = {
    "mlforge_requests_in_flight": "Requests being answered.",
    "mlforge_store_up": "Whether the online store answered when it was last looked at.",
    "mlforge_keys_up": "Whether the key file could be read when it was last looked at; 1 where there is none.",
    "mlforge_certificate_up": "Whether the certificate is the one in its file; 1 where there is none.",
}
_BOUNDS = tuple(int(s * 1e9) for s in SECONDS)
_WIDTH = len(SECONDS) + 2
_BYTES = 8
_GAUGE = {name: number for number, name in enumerate(GAUGES)}


class Board:
    """The shared memory of all workers, and what each place in it means."""

    def __init__(self, features: Sequence[str], workers: int = 1) -> None:
        self.features, self.workers = tuple(features), workers
        self.started = time()
        self._routes = 0
        self._per_feature = len(ROUTES) * _WIDTH
        self._outcomes = self._per_feature + len(SERVING) * len(features) * _WIDTH
        self._damaged = self._outcomes + len(features) * len(OUTCOMES)
        self._errors = self._damaged + len(features)
        self._gauges = self._errors + len(ROUTES) * len(ERRORS)
        self._size = self._gauges + len(GAUGES)
        self._memory = mmap.mmap(-1, max(1, self._size * workers) * _BYTES)
        self._numbers = memoryview(self._memory).cast("q")

    def tally(self, worker: int) -> Tally:
        """A worker's own part."""
        return Tally(self, self._numbers[worker * self._size : (worker + 1) * self._size])

    def route(self, route: int) -> int:
        return self._routes + route * _WIDTH

    def feature(self, route: int, feature: int) -> int:
        return self._per_feature + (route * len(self.features) + feature) * _WIDTH

    def outcome(self, feature: int) -> int:
        return self._outcomes + feature * len(OUTCOMES)

    def damaged(self, feature: int) -> int:
        return self._damaged + feature

    def error(self, route: int, error: int) -> int:
        return self._errors + route * len(ERRORS) + error

    def gauge(self, name: str) -> int:
        return self._gauges + _GAUGE[name]

    def total(self, place: int, width: int = 1) -> list[int]:
        """Some numbers, added up over the workers."""
        parts = range(place, place + self._size * self.workers, self._size)
        return [sum(self._numbers[part + n] for part in parts) for n in range(width)]

    def each(self, place: int) -> list[int]:
        """A number of each worker."""
        return [self._numbers[place + worker * self._size] for worker in range(self.workers)]


class Tally:
    """What one worker counts."""

    def __init__(self, board: Board, numbers: memoryview) -> None:
        self.board, self._numbers = board, numbers
        self._in_flight = board.gauge("mlforge_requests_in_flight")
        self._damage: Mapping[str, int] = {}

    def reset(self) -> None:
        """Forget how things stood with the worker before this one."""
        self.in_flight(0)
        self.up("mlforge_store_up", False)
        self.up("mlforge_keys_up", True)
        self.up("mlforge_certificate_up", True)

    def observe(self, place: int, nanoseconds: int) -> None:
        """Add a request's time to the histogram at a place."""
        numbers = self._numbers
        numbers[place + bisect_left(_BOUNDS, nanoseconds)] += 1
        numbers[place + _WIDTH - 1] += nanoseconds

    def add(self, place: int, count: int = 1) -> None:
        self._numbers[place] += count

    def damage(self, counts: Mapping[str, int]) -> None:
        """Note how often this process has met damaged entries, by feature."""
        met: dict[str, int] = {}
        for name, count in counts.items():
            feature = name.partition("@")[0]  # of each version
            met[feature] = met.get(feature, 0) + count
        for place, feature in enumerate(self.board.features):
            if new := met.get(feature, 0) - self._damage.get(feature, 0):
                self.add(self.board.damaged(place), new)
        self._damage = met

    def failed(self, route: int, error: str) -> None:
        self._numbers[self.board.error(route, ERRORS.index(error))] += 1

    def in_flight(self, count: int) -> None:
        self._numbers[self._in_flight] = count

    def up(self, name: str, up: bool) -> None:
        """Say whether something works."""
        self._numbers[self.board.gauge(name)] = int(up)


def exposition(board: Board) -> bytes:
    """Everything, as Prometheus reads it."""
    return "".join(f"{line}\n" for line in _lines(board)).encode()


def gauges(board: Board) -> bytes:
    """How things stand, without the names of features."""
    return "".join(f"{line}\n" for line in _gauges(board)).encode()


def _lines(board: Board) -> Iterator[str]:
    yield from _head("mlforge_request_duration_seconds", "histogram", "Time from a request's head to its answer.")
    for number, route in enumerate(ROUTES):
        yield from _histogram(board, "mlforge_request_duration_seconds", f'route="{route}"', board.route(number))
    yield from _head(
        "mlforge_feature_request_duration_seconds", "histogram", "The same, of the requests that asked for a feature."
    )
    for number, route in enumerate(SERVING):
        for place, feature in enumerate(board.features):
            labels = f'route="{route}",feature="{_escaped(feature)}"'
            at = board.feature(number, place)
            yield from _histogram(board, "mlforge_feature_request_duration_seconds", labels, at)
    yield from _outcomes(board)
    yield from _head("mlforge_errors_total", "counter", "Requests that were refused or failed, by the problem's code.")
    for number, route in enumerate(ROUTES):
        for error, count in zip(ERRORS, board.total(board.error(number, 0), len(ERRORS)), strict=True):
            if count:
                yield f'mlforge_errors_total{{route="{route}",code="{error}"}} {count}'
    yield from _gauges(board)


def _outcomes(board: Board) -> Iterator[str]:
    yield from _head(
        "mlforge_feature_values_total", "counter",
        "Entities looked up, by how their values were: present (hits), missing (misses), expired, stale.",
    )  # fmt: skip
    for place, feature in enumerate(board.features):
        for outcome, count in zip(OUTCOMES, board.total(board.outcome(place), len(OUTCOMES)), strict=True):
            yield f'mlforge_feature_values_total{{feature="{_escaped(feature)}",status="{outcome}"}} {count}'

    yield from _head(
        "mlforge_damaged_entries_total", "counter",
        "Entries and notes in the online store that are not as they were written; they count as missing.",
    )  # fmt: skip
    for place, feature in enumerate(board.features):
        (count,) = board.total(board.damaged(place))
        yield f'mlforge_damaged_entries_total{{feature="{_escaped(feature)}"}} {count}'


def _gauges(board: Board) -> Iterator[str]:
    for name, text in GAUGES.items():
        yield from _head(name, "gauge", text)
        for worker, value in enumerate(board.each(board.gauge(name))):
            yield f'{name}{{worker="{worker}"}} {value}'
    yield from _head("mlforge_workers", "gauge", "Worker processes.")
    yield f"mlforge_workers {board.workers}"
    yield from _head("mlforge_start_time_seconds", "gauge", "When the server started, in seconds since the Unix epoch.")
    yield f"mlforge_start_time_seconds {board.started:.3f}"
    yield from _head("mlforge_serve_info", "gauge", "Which version serves.")
    yield f'mlforge_serve_info{{version="{__version__}"}} 1'


def _histogram(board: Board, name: str, labels: str, place: int) -> Iterator[str]:
    """One histogram; none while nothing was counted."""
    *counts, nanoseconds = board.total(place, _WIDTH)
    if not any(counts):
        return
    total = 0
    for bound, count in zip((*map(repr, SECONDS), "+Inf"), counts, strict=True):
        total += count
        yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
    yield f"{name}_sum{{{labels}}} {nanoseconds / 1e9:.9f}"
    yield f"{name}_count{{{labels}}} {total}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
