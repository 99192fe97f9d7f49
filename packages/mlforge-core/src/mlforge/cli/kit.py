"""Holding installed plugins to the kit, in a process of its own: what passed, and what did not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from mlforge.errors import NotInstalled, PluginFailed, Unknown, nearest
from mlforge.plugin.registry import Plugin, registry

_HEAD = '''"""Made by `mlforge plugin check`."""

from mlforge.testing import PluginTests
from mlforge.testing.plugins.announcing import AnnouncementTests
from mlforge.testing.plugins.loading import LoadingTests
'''


class Held(msgspec.Struct, frozen=True):
    """How a plugin fared: how many tests passed, and what each that failed says.

    Args:
        plugin: The plugin.
        passed: How many tests passed.
        failed: A test's name, and the first line of what it says, for each that failed.
        settled: Whether its configs were tried, too: those that need settings are not.
    """

    plugin: Plugin
    passed: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    settled: bool = True

    @property
    def ok(self) -> bool:
        return self.plugin.error is None and not self.failed


def held(names: Sequence[str]) -> list[Held]:
    """How the named plugins fare, all if none is named.

    Raises:
        NotInstalled: The kit needs pytest and more.
        Unknown: There is no plugin of that name.
    """
    if missing := next((one for one in ("pytest", "hypothesis") if find_spec(one) is None), None):
        raise NotInstalled(f"The kit needs {missing}.", hint='Install it: pip install "mlforge-core[testing]"')
    there = dict[str, list[Plugin]]()
    for plugin in registry().plugins:
        there.setdefault(plugin.name, []).append(plugin)
    if wrong := next((name for name in names if name not in there), None):
        raise Unknown(f"There is no plugin {wrong!r}.", hint=nearest(wrong, there))
    chosen = [plugin for name in names or there for plugin in there[name]]
    sound = [plugin for plugin in chosen if plugin.error is None]
    results = iter(_run(sound) if sound else ())
    return [Held(plugin) if plugin.error is not None else next(results) for plugin in chosen]


def _run(plugins: Sequence[Plugin]) -> list[Held]:
    with TemporaryDirectory() as folder:
        tests, told = Path(folder, "test_installed.py"), Path(folder, "told.xml")
        settled = [_is_settled(plugin) for plugin in plugins]
        classes = [_class(n, p, s) for n, (p, s) in enumerate(zip(plugins, settled, strict=True))]
        tests.write_text(_HEAD + "".join(classes), encoding="utf-8")
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={folder}"]
        words = [sys.executable, "-m", "pytest", *options, f"--junitxml={told}", str(tests)]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if not told.is_file():
            raise PluginFailed(
                f"The kit did not run: {done.stdout or done.stderr}", hint="See: mlforge plugins --check"
            )
        cases = list(ET.parse(told).iter("testcase"))  # noqa: S314 - pytest wrote it a moment ago
    own = [[c for c in cases if c.get("classname", "").endswith(f".Test{n}")] for n in range(len(plugins))]
    return [_fared(p, s, found) for p, s, found in zip(plugins, settled, own, strict=True)]


def _class(number: int, plugin: Plugin, settled: bool) -> str:
    kind = "PluginTests" if settled else "LoadingTests, AnnouncementTests"
    return f"\n\nclass Test{number}({kind}):\n    entry_point = {plugin.name!r}\n"


def _is_settled(plugin: Plugin) -> bool:
    """Whether all its configs can be made without settings."""
    configs: list[Any] = [config for one in plugin.brings if (config := getattr(one, "config", None))]
    try:
        for config in configs:
            config()
    except Exception:  # noqa: BLE001 - whatever it asks for, it asks for something
        return False
    return True


def _fared(plugin: Plugin, settled: bool, cases: Sequence[ET.Element]) -> Held:
    failed = [(case.get("name", ""), _said(case)) for case in cases if _wrong(case) is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Held(plugin, len(cases) - len(failed) - skipped, tuple(failed), settled)


def _wrong(case: ET.Element) -> ET.Element | None:
    failure = case.find("failure")
    return case.find("error") if failure is None else failure


def _said(case: ET.Element) -> str:
    wrong = _wrong(case)
    message = "" if wrong is None else wrong.get("message", "")
    return message.splitlines()[0] if message else ""
