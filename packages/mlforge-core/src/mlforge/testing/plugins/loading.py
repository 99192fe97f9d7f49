"""A plugin loads, its hooks are called, and it costs nothing until it is used."""

from __future__ import annotations

import os
import subprocess
import sys

from mlforge.plugin import hookspecs
from mlforge.plugin.descriptors import SUPPORTED_API
from mlforge.plugin.registry import Plugin
from mlforge.testing.plugins.subject import PluginSubject

HEAVY = (
    "polars",
    "pandas",
    "numpy",
    "pyarrow",
    "duckdb",
    "pyspark",
    "redis",
    "hiredis",
    "boto3",
    "botocore",
    "fsspec",
    "starlette",
    "openlineage",
    "opentelemetry",
    "mlflow",
    "prometheus_client",
)
MARK = f"{hookspecs.PROJECT}_impl"


class LoadingTests(PluginSubject):
    """Loading, and what it costs."""

    def test_it_loads_and_its_hooks_are_known(self, plugin: Plugin) -> None:
        assert plugin.error is None, plugin.error

    def test_it_brings_something_or_observes(self) -> None:
        assert self._hooks(marked=True), "the module has none of the hooks"

    def test_no_hook_lacks_its_mark(self) -> None:
        forgotten = self._hooks(marked=False)
        assert not forgotten, f"nobody calls {', '.join(forgotten)}: write @hookimpl above"

    def test_no_hook_gives_nothing(self) -> None:
        module = self.entry().load()
        announcing = [name for name in self._hooks(marked=True) if not getattr(hookspecs, name).__code__.co_argcount]
        silent = [name for name in announcing if getattr(module, name)() is None]
        assert not silent, f"{', '.join(silent)} gives None: return a list"

    def test_it_was_written_for_an_api_that_is_supported(self, plugin: Plugin) -> None:
        assert {d.api for d in plugin.brings} <= set(SUPPORTED_API)

    def test_importing_it_imports_nothing_heavy(self) -> None:
        code = f"import sys, {self.entry().module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
        path = os.pathsep.join(p for p in sys.path if p)
        line = [sys.executable, "-W", "error", "-c", code]
        environment = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
        assert done.returncode == 0, "".join(done.stderr.splitlines(keepends=True)[-1:]) + done.stderr
        *said, heavy = done.stdout.splitlines()
        assert not said, f"importing {self.entry().module} prints {said[0]!r}"
        assert not heavy, f"importing {self.entry().module} imports {heavy}"

    def _hooks(self, marked: bool) -> list[str]:
        """The functions of the plugin's module that are called as hooks are, marked as such or not."""
        module = self.entry().load()
        named = [name for name in dir(module) if name.startswith("mlforge_") and callable(getattr(module, name))]
        return [name for name in named if hasattr(getattr(module, name), MARK) is marked]
