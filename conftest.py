"""What all tests share: generated ones are not traced, which is slow; written ones run the same lines."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests on generated data out of what `--cov` counts."""
    for item in items:
        if hasattr(getattr(item, "function", None), "share"):
            item.add_marker("no_cover")
