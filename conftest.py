"""What all tests share: which of them `--cov` counts, for tracing more than doubles the time of what it traces."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

os.environ.setdefault("MLFORGE_CASES", "1000")  # half of what a plugin author gets; the oracle is the long form
EACH = 3
"""Of the tests of a file in `ALIKE` one in so many is counted: the others run the same lines."""

ALIKE = ("packages/*/tests/test_conformance.py", "packages/mlforge-core/tests/testing/*", "tests/toy-*")
"""The kit, which runs for a dozen subjects."""

pytest.register_assert_rewrite("projects_in_buckets")  # tests of two packages, which are in no test file


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the tests of reliability hurt things, in proportion to what CI does."""
    parser.addoption("--torture", type=float, default=1.0, help="do so many times of what CI does: 5 is the long form")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of what `--cov` counts: tests on generated data, and most of those that are much alike."""
    before: Counter[str] = Counter()
    for item in items:
        file = item.nodeid.partition("::")[0]
        is_alike = any(fnmatch(file, pattern) for pattern in ALIKE)
        if hasattr(getattr(item, "function", None), "share") or (is_alike and before[file] % EACH):
            item.add_marker("no_cover")
        before[file] += 1
    controller = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None and hasattr(config, "workerinput"):
        trace_once(controller)


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
def pytest_xdist_setupnodes() -> None:
    """Start workers untraced: each traces itself, and what it starts."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
