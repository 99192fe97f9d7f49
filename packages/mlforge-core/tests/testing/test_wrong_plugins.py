"""The kit notices plugins that make one mistake, and lets one pass that makes none."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlforge.testing import PluginTests

MODULE = """
from typing import ClassVar
from mlforge.plugin import OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl

class Config(OnlineStoreConfig, frozen=True, tag="careless"):
    target: ClassVar[str] = "careless_plugin:Config"
    host: str = "localhost"
    password: Secret | None = None

@hookimpl
def mlforge_online_stores():
    return [OnlineStoreDescriptor(name="careless", summary="An online store", api=1, config=Config)]
"""
MISTAKES = {
    "nothing is announced": (
        "@hookimpl\ndef mlforge_online_stores",
        "def announced",
        "it_brings_something_or_observes",
    ),
    "an unknown hook": ("def mlforge_online_stores", "def mlforge_online_shops", "it_loads_and_its_hooks_are_known"),
    "another API": ("api=1", "api=0", "it_loads_and_its_hooks_are_known"),
    "no word about it": (
        'summary="An online store"',
        'summary=""',
        "everything_it_brings_has_a_name_and_a_line_about_it",
    ),
    "a target that is not there": (":Config", ":Store", "what_it_announces_can_be_imported"),
    "another name than its kind": ('name="careless"', 'name="other"', "configs_are_announced_under_their_kind"),
    "what cannot be hashed": ('host: str = "localhost"', "host: list[str] = []", "configs_are_frozen_and_hashable"),
    "a password in the open": ("password: Secret", "password: str", "configs_whose_fields_sound_secret_declare_them"),
    "a printed password": (
        "    host:",
        "    __repr__ = object.__repr__\n    def __str__(self): return self.password\n    host:",
        "configs_never_print_their_secrets",
    ),
    "a heavy import": ("from typing", "import numpy\nfrom typing", "importing_it_imports_nothing_heavy"),
}


class Subject(PluginTests):
    entry_point = "careless"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a module as a plugin, and runs one test of the kit on it."""
    info = tmp_path / "careless-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: careless\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlforge]\ncareless = careless_plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(source: str, name: str) -> None:
        (tmp_path / "careless_plugin.py").write_text(source)
        subject = Subject()
        test = getattr(subject, f"test_{name}")
        test(**({"plugin": subject.loaded()} if "plugin" in inspect.signature(test).parameters else {}))

    yield run
    sys.modules.pop("careless_plugin", None)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_a_plugin_with(mistake: str, check: Callable[[str, str], None]) -> None:
    right, wrong, noticed_by = MISTAKES[mistake]
    assert right in MODULE
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MODULE.replace(right, wrong), noticed_by)


@pytest.mark.parametrize("test", sorted({noticed_by for *_, noticed_by in MISTAKES.values()}))
def test_a_plugin_without_a_mistake_passes(test: str, check: Callable[[str, str], None]) -> None:
    check(MODULE, test)


def test_a_plugin_that_is_not_installed_is_noticed() -> None:
    with pytest.raises(AssertionError, match="0 entry points named 'careless'"):
        Subject().loaded()
