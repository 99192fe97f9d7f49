"""What all tests share: which of them `--cov` counts, for tracing more than doubles the time of what it traces."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache

import pytest

os.environ.setdefault("MLFORGE_CASES", "1000")  # half of what a plugin author gets; the oracle is the long form
EACH = 3
"""Of tests that are much alike one in so many is counted: the others run the same lines."""

ALIKE = ("packages/*/tests/test_conformance.py", "packages/mlforge-core/tests/testing/*", "tests/toy-*")
"""The kit, which runs for a dozen subjects: all tests of a file are alike. Elsewhere the cases of one test are."""

UNLIKE = (
    "packages/mlforge-core/tests/flow/*",
    "packages/mlforge-core/tests/plugin/*",
    "packages/mlforge-core/tests/project/*",
    "tests/test_bad_input.py",
    "tests/test_explaining.py",
    "tests/test_online.py",
    "tests/test_quality.py",
    "tests/test_training_data.py",
)
"""What has another way through the code for nearly every case: all are counted."""

UNCOUNTED = ("tests/reliability/*",)
"""What does the same thing a hundred times, in processes that it kills."""

pytest.register_assert_rewrite("projects_in_buckets")  # tests of two packages, which are in no test file


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the tests of reliability hurt things, in proportion to what CI does."""
    parser.addoption("--torture", type=float, default=1.0, help="do so many times of what CI does: 5 is the long form")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of what `--cov` counts: tests on generated data, and most of those that are much alike.

    What kills processes takes longest, and comes first: no worker is left alone with it at the end.
    """
    items.sort(key=lambda item: like(item.nodeid) is not None)
    before: Counter[str] = Counter()
    for item in items:
        alike = like(item.nodeid)
        if alike is None or hasattr(getattr(item, "function", None), "share") or before[alike] % EACH:
            item.add_marker("no_cover")
        before[alike or ""] += 1
    controller = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None and hasattr(config, "workerinput"):
        trace_once(controller)


def like(test: str) -> str | None:
    """The name that a test has in common with those that are much alike; none for what is never counted."""
    file = test.partition("::")[0]
    if is_among(UNCOUNTED, file):
        return None
    if is_among(UNLIKE, file):
        return test
    return file if is_among(ALIKE, file) else test.partition("[")[0]


@cache
def is_among(patterns: tuple[str, ...], file: str) -> bool:
    """Whether a file of tests is one of these."""
    return any(fnmatch(file, pattern) for pattern in patterns)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Start what an uncounted test starts uncounted, too."""
    settings = os.environ.pop("COVERAGE_PROCESS_CONFIG", None) if item.get_closest_marker("no_cover") else None
    try:
        return (yield)
    finally:
        if settings is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = settings


def trace_once(controller: object) -> None:
    """End what else traces a worker: it goes on where `no_cover` pauses the one that counts."""
    from coverage import Coverage

    controller.pause()
    while (other := Coverage.current()) is not None:
        other.stop()
    controller.resume()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """A worker more than there are processors: many tests wait for servers and for processes of their own."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Start workers untraced: each traces itself, and what it starts."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
