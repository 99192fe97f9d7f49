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
from mlforge.plugin import (
    Command, EngineConfig, EngineDescriptor, MetricDescriptor, OnlineStoreConfig, OnlineStoreDescriptor, Secret,
    StoreConfig, StoreDescriptor, ValidatorDescriptor, hookimpl,
)

class Config(OnlineStoreConfig, frozen=True, tag="careless"):
    target: ClassVar[str] = "careless_parts:OnlineShop"
    host: str = "localhost"
    password: Secret | None = None

class Shelf(StoreConfig, frozen=True, tag="careless"):
    target: ClassVar[str] = "careless_parts:Shelf"

class Motor(EngineConfig, frozen=True, tag="careless"):
    target: ClassVar[str] = "careless_parts:Motor"

@hookimpl
def mlforge_online_stores():
    return [OnlineStoreDescriptor(name="careless", summary="An online store", api=1, config=Config)]

@hookimpl
def mlforge_stores():
    return [StoreDescriptor(name="careless", summary="A store", api=1, config=Shelf)]

@hookimpl
def mlforge_engines():
    parquet, frames = frozenset({"parquet"}), ("careless_parts.Frame",)
    return [EngineDescriptor(
        name="careless", summary="An engine", api=1, config=Motor, frames=frames, reads=parquet, writes=parquet,
    )]

@hookimpl
def mlforge_validators():
    target = "careless_parts:is_odd"
    return [ValidatorDescriptor(name="is_odd", summary="A promise", api=1, target=target, example="is_odd()")]

@hookimpl
def mlforge_metrics():
    target, example = "careless_parts:Spread", "Spread('x')"
    return [MetricDescriptor(name="Spread", summary="A metric", api=1, target=target, example=example)]

@hookimpl
def mlforge_commands():
    return [Command(name="care", summary="A command", api=1, target="careless_parts:care")]
"""
PARTS = """
import click
from mlforge.model.check import Validator
from mlforge.model.expr import Agg, col, it
from mlforge.model.metric import Metric, MetricColumn, parse_windows
from mlforge.testing.memory import LiveMemoryOnlineStore, LiveMemoryStore
from mlforge.testing.reference.engine import Reference

class Frame: pass
class OnlineShop(LiveMemoryOnlineStore): pass
class Shelf(LiveMemoryStore): pass
class Motor(Reference): pass

def is_odd():
    return Validator("is_odd", it() <= 0)

class Spread(Metric, frozen=True):
    column: str
    def columns(self):
        return tuple(MetricColumn("share", w, Agg("sum", col(self.column)), "share") for w in parse_windows("7d"))

@click.command()
def care(): pass
"""
TITLED = "validators_and_metrics_have_the_names_they_are_announced_under"
SAID = "everything_it_brings_has_a_name_and_a_line_about_it"
RUNS, NAMED = "validators_and_metrics_have_examples_that_run", "names_are_ones_that_users_can_write"
METHODS = "engines_and_stores_have_the_methods_of_what_they_are_announced_as"
TARGET, OTHERS = "what_it_announces_can_be_imported", "nobody_else_brings_its_names"
API, HOOKS = "it_was_written_for_an_api_that_is_supported", "it_loads_and_its_hooks_are_known"
MISTAKES = {
    "nothing is announced": ("@hookimpl", "@staticmethod", "it_brings_something_or_observes"),
    "a forgotten mark": ("@hookimpl\ndef mlforge_metrics", "def mlforge_metrics", "no_hook_lacks_its_mark"),
    "a forgotten mark and a wrong name": (
        "@hookimpl\ndef mlforge_metrics",
        "def mlforge_metric",
        "no_hook_lacks_its_mark",
    ),
    "a forgotten return": ("    return [Command(", "    [Command(", "no_hook_gives_nothing"),
    "an unknown hook": ("def mlforge_online_stores", "def mlforge_online_shops", HOOKS),
    "another API": ("api=1", "api=0", HOOKS),
    "an API in words": ("api=1, target", "api='1', target", HOOKS),
    "one name twice": (
        "frames=frames, reads=parquet, writes=parquet,\n    )]",
        "frames=frames, reads=parquet, writes=parquet)] * 2",
        HOOKS,
    ),
    "no word about it": ('summary="An online store"', 'summary=""', SAID),
    "two lines about it": ('summary="A store"', 'summary="A\\nstore"', SAID),
    "a target that is not there": (":OnlineShop", ":Store", TARGET),
    "a target whose module is not there": ("careless_parts:Motor", "careless_part:Motor", TARGET),
    "an online store that is a store": (":OnlineShop", ":Shelf", METHODS),
    "a store that is an online store": ('"careless_parts:Shelf"', '"careless_parts:OnlineShop"', METHODS),
    "an engine that is a frame": (":Motor", ":Frame", METHODS),
    "a store that is no class": ('"careless_parts:Shelf"', '"careless_parts:__name__"', METHODS),
    "a config of another kind": (
        "class Motor(EngineConfig",
        "class Motor(StoreConfig",
        "configs_are_of_the_kind_they_are_announced_as",
    ),
    "a frame that is nowhere": (
        "careless_parts.Frame",
        "careless_parts.frame.Frame",
        "an_engine_announces_a_frame_that_is_a_type",
    ),
    "a command that is none": ("careless_parts:care", "careless_parts:is_odd", "commands_are_commands"),
    "a validator of another name": ('name="is_odd"', 'name="is_even"', TITLED),
    "a metric of another name": ('name="Spread"', 'name="Part"', TITLED),
    "a validator that is a metric": ("careless_parts:is_odd", "careless_parts:Spread", TITLED),
    "no example": ('example="is_odd()"', 'example=""', RUNS),
    "an example that does not parse": ('"is_odd()"', '"is_odd("', RUNS),
    "an example that lacks an argument": ("Spread('x')", "Spread()", RUNS),
    "an example of another word": ("Spread('x')", "Spreads('x')", RUNS),
    "an example that makes nothing": ('"is_odd()"', '"is_odd"', RUNS),
    "a name no user can write": ('name="is_odd"', 'name="is-odd"', NAMED),
    "a name that is a word of Python": ('name="is_odd"', 'name="lambda"', NAMED),
    "a kind in capitals": ('name="careless", summary="A store"', 'name="Careless", summary="A store"', NAMED),
    "a command of two words": ('name="care"', 'name="take care"', NAMED),
    "a name of the core": ('name="is_odd"', 'name="not_null"', OTHERS),
    "a word of the core": ("class Shelf(", "class LocalStore(", OTHERS),
    "another name than its kind": (
        'name="careless", summary="An online',
        'name="other", summary="An online',
        "configs_are_announced_under_their_kind",
    ),
    "what cannot be hashed": ('host: str = "localhost"', "host: list[str] = []", "configs_are_frozen_and_hashable"),
    "a password in the open": ("password: Secret", "password: str", "configs_whose_fields_sound_secret_declare_them"),
    "a printed password": (
        "    host:",
        "    __repr__ = object.__repr__\n    def __str__(self): return self.password\n    host:",
        "configs_never_print_their_secrets",
    ),
    "a password in a rich print": (
        "    host:",
        "    def __rich_repr__(self): yield self.password\n    host:",
        "configs_never_print_their_secrets",
    ),
    "a heavy import": ("from typing", "import numpy\nfrom typing", "importing_it_imports_nothing_heavy"),
    "an import that prints": ("from typing", "print('old')\nfrom typing", "importing_it_imports_nothing_heavy"),
    "an import that warns": (
        "from typing",
        "import warnings; warnings.warn('old')\nfrom typing",
        "importing_it_imports_nothing_heavy",
    ),
}
PART_MISTAKES = {
    "a validator that says another name": (
        'Validator("is_odd"',
        'Validator("odd"',
        "validators_say_their_own_name_where_they_are_broken",
    ),
    "a validator that is none": ('return Validator("is_odd", it() <= 0)', "return it() <= 0", RUNS),
    "a metric without columns": ('parse_windows("7d")', "()", "metrics_make_columns"),
    "a metric whose column aggregates nothing": (
        'Agg("sum", col(self.column))',
        "col(self.column)",
        "metrics_make_columns",
    ),
    "a metric whose columns are names": ("tuple(MetricColumn(", "tuple(str(", "metrics_make_columns"),
    "an engine without a method": ("class Motor(Reference): pass", "class Motor(Reference): asof = None", METHODS),
    "an online store without a ping": (
        "OnlineShop(LiveMemoryOnlineStore): pass",
        "OnlineShop(LiveMemoryOnlineStore): ping = None",
        METHODS,
    ),
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

    def run(source: str, name: str, parts: str = PARTS) -> None:
        for module, text in (("careless_plugin", source), ("careless_parts", parts)):
            sys.modules.pop(module, None)
            (tmp_path / f"{module}.py").write_text(text)
        subject = Subject()
        test = getattr(subject, f"test_{name}")
        test(**({"plugin": subject.loaded()} if "plugin" in inspect.signature(test).parameters else {}))

    yield run
    for module in ("careless_plugin", "careless_parts"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_a_plugin_with(mistake: str, check: Callable[[str, str], None]) -> None:
    right, wrong, noticed_by = MISTAKES[mistake]
    assert right in MODULE
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MODULE.replace(right, wrong), noticed_by)


@pytest.mark.parametrize("mistake", PART_MISTAKES)
def test_the_kit_notices_that_a_plugin_brings(mistake: str, check: Callable[[str, str, str], None]) -> None:
    right, wrong, noticed_by = PART_MISTAKES[mistake]
    assert right in PARTS
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(MODULE, noticed_by, PARTS.replace(right, wrong))


@pytest.mark.parametrize("test", sorted(t.removeprefix("test_") for t in dir(PluginTests) if t.startswith("test_")))
def test_a_plugin_without_a_mistake_passes(test: str, check: Callable[[str, str], None]) -> None:
    check(MODULE, test)


def test_what_importing_a_plugin_does_is_told(check: Callable[[str, str], None]) -> None:
    for first, words in (
        ("print('old')", "prints 'old'"),
        ("import warnings; warnings.warn('old')", "UserWarning: old"),
    ):
        with pytest.raises(AssertionError) as wrong:
            check(f"{first}\n{MODULE}", "importing_it_imports_nothing_heavy")
        assert words in str(wrong.value).splitlines()[0]


def test_a_plugin_that_is_not_installed_is_noticed() -> None:
    with pytest.raises(AssertionError, match="0 entry points named 'careless'"):
        Subject().loaded()
