"""What all tests share: generated ones are not traced, which is slow; written ones run the same lines."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the tests of reliability hurt things, in proportion to what CI does."""
    parser.addoption("--torture", type=float, default=1.0, help="do so many times of what CI does: 5 is the long form")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests on generated data out of what `--cov` counts."""
    for item in items:
        if hasattr(getattr(item, "function", None), "share"):
            item.add_marker("no_cover")
    controller = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None and hasattr(config, "workerinput"):
        trace_once(controller)


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
