"""What all tests share: which of them `--cov` counts, for tracing more than doubles the time of what it traces."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

EACH = 3
"""Of the cases of one written test one in so many is counted: the others run the same lines."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of what `--cov` counts: tests on generated data, most cases of a test, the tests of the kit's tests."""
    before: Counter[str] = Counter()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if hasattr(getattr(item, "function", None), "share") or before[name] % EACH or "/test_wrong_" in name:
            item.add_marker("no_cover")
        before[name] += 1
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
