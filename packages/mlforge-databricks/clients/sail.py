"""Sail's own tests of Unity Catalog, on the workspace that stands in instead of on a container.

They are in the wheel of pysail. Arguments are pytest's; without any, all of them run. What Sail itself cannot do its
tests expect to fail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from mlforge_databricks.testing import Workspace

WHOLE = ("catalog/unity", "spark/catalog/unity")


@pytest.fixture(scope="session")
def unity_storage_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where managed tables are kept."""
    return tmp_path_factory.mktemp("managed")


@pytest.fixture(scope="session")
def unity_rest_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workspace's Unity Catalog."""
    with Workspace(tmp_path_factory.mktemp("lake")) as workspace:
        workspace.tokens.add("")  # Sail's tests know of none
        yield f"{workspace.url}/api/2.1/unity-catalog"


class Plugin:
    """Lets the fixtures above come after those of the tests, and so in their place."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(sys.modules[__name__], "workspace")


def main(arguments: list[str]) -> int:
    """The exit code of the run."""
    os.chdir(Path(__file__).parent)  # or what the house's tests share would be read, too
    tests = Path(find_spec("pysail").origin).with_name("tests")
    how = ["-c", "sail.ini", "-m", "integration"]
    return pytest.main([*how, *arguments, *(str(tests / one) for one in WHOLE)], [Plugin()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
