"""What a plugin announces is there, is what it says, and is nobody else's."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click
import pytest

from mlforge.model.aggregation import agg
from mlforge.model.check import Validator
from mlforge.model.expr import col
from mlforge.model.metric import Metric, MetricColumn
from mlforge.model.terms import when
from mlforge.model.window import Window
from mlforge.plugin import (
    Command,
    Engine,
    EngineConfig,
    EngineDescriptor,
    MetricDescriptor,
    Observer,
    ObserverConfig,
    ObserverDescriptor,
    OnlineStore,
    OnlineStoreConfig,
    OnlineStoreDescriptor,
    Store,
    StoreConfig,
    StoreDescriptor,
    ValidatorDescriptor,
)
from mlforge.plugin.config import load
from mlforge.plugin.descriptors import Descriptor
from mlforge.plugin.registry import Plugin, registry
from mlforge.testing.plugins.subject import PluginSubject

KIND = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
CONFIGS: dict[type[Any], type[Any]] = {
    EngineDescriptor: EngineConfig,
    StoreDescriptor: StoreConfig,
    OnlineStoreDescriptor: OnlineStoreConfig,
    ObserverDescriptor: ObserverConfig,
}
PROTOCOLS: dict[type[Any], type[Any]] = {
    EngineDescriptor: Engine,
    StoreDescriptor: Store,
    OnlineStoreDescriptor: OnlineStore,
    ObserverDescriptor: Observer,
}
WORDS: dict[str, Any] = {"Window": Window, "agg": agg, "col": col, "when": when}
"""What users write beside validators and metrics, and so do examples."""

RESULTS: dict[type[Any], type[Any]] = {ValidatorDescriptor: Validator, MetricDescriptor: Metric}


class AnnouncementTests(PluginSubject):
    """Names, targets, examples."""

    def test_everything_it_brings_has_a_name_and_a_line_about_it(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            assert all([found.name, found.summary]), found
            assert "\n" not in found.summary

    def test_names_are_ones_that_users_can_write(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, ValidatorDescriptor | MetricDescriptor):
                assert found.name.isidentifier(), f"{found.name!r} is no name in Python"
                assert not keyword.iskeyword(found.name), f"{found.name!r} is a word of Python"
            else:
                assert KIND.fullmatch(found.name), f"{found.name!r} is more than small letters, digits, - and _"

    def test_nobody_else_brings_its_names(self, plugin: Plugin) -> None:
        ours = {w for found in plugin.brings for w in words_of(found)}
        for other in registry().plugins:
            taken = [w for found in other.brings for w in words_of(found) if w in ours]
            assert other.name == self.entry_point or not taken, f"{other.distribution} brings {taken[0]} too"

    def test_what_it_announces_can_be_imported(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            assert target_of(found) is not None

    def test_configs_are_of_the_kind_they_are_announced_as(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if kind := CONFIGS.get(type(found)):
                config: Any = getattr(found, "config", None)
                assert issubclass(config, kind), f"{config.__name__} of the {found.role} is no {kind.__name__}"

    def test_engines_and_stores_have_the_methods_of_what_they_are_announced_as(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if protocol := PROTOCOLS.get(type(found)):
                target = target_of(found)
                assert callable(target), f"{target!r} cannot be called with a config"
                missing = methods_missing(target, protocol) if isinstance(target, type) else []
                assert not missing, f"the {found.role} {found.name!r} has no {', '.join(missing)}"

    def test_an_engine_announces_a_frame_that_is_a_type(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, EngineDescriptor):
                assert any(map(is_a_type, found.frames)), f"none of {', '.join(found.frames)} is a type"

    def test_commands_are_commands(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, Command):
                assert isinstance(target_of(found), click.Command), f"{found.target} is no click command"

    def test_validators_and_metrics_have_the_names_they_are_announced_under(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, ValidatorDescriptor | MetricDescriptor):
                named = target_of(found).__name__
                assert named == found.name, f"{found.target} is announced as {found.name!r}"

    def test_validators_and_metrics_have_examples_that_run(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if kind := RESULTS.get(type(found)):
                result = result_of_example(found)
                assert isinstance(result, kind), f"{result!r} is no {kind.__name__}"

    def test_validators_say_their_own_name_where_they_are_broken(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, ValidatorDescriptor):
                assert result_of_example(found).name == found.name

    def test_metrics_make_columns(self, plugin: Plugin) -> None:
        for found in plugin.brings:
            if isinstance(found, MetricDescriptor):
                columns = result_of_example(found).columns()
                assert columns, f"{found.example} makes no column"
                for column in columns:
                    assert isinstance(column, MetricColumn), f"{found.example} makes {column!r}, no MetricColumn"
                    assert column.aggs, f"{column.name} of {found.example} aggregates nothing"


def words_of(found: Descriptor) -> Iterator[str]:
    """What users call it: by its role and name, and a config by its class."""
    yield f"the {found.role} {found.name!r}"
    if config := getattr(found, "config", None):
        yield f"mlforge.{config.__name__}"


def target_of(found: Descriptor) -> Any:
    """What a descriptor leads to."""
    config = getattr(found, "config", None)
    return load(config.target if config else getattr(found, "target", ""), f"the {found.role} {found.name!r}")


def is_a_type(path: str) -> bool:
    """Whether there is a type of that full name. Some engines name types of libraries that need not be there."""
    module, _, name = path.rpartition(".")
    try:
        return isinstance(getattr(import_module(module), name), type)
    except (ImportError, AttributeError, ValueError):
        return False


def methods_missing(live: type[Any], protocol: type[Any]) -> list[str]:
    """What a class lacks of the methods that a protocol requires."""
    abstract: frozenset[str] = getattr(protocol, "__abstractmethods__", frozenset())
    own = {name for name in vars(protocol) if name[0] != "_"}
    required = {"__enter__", "__exit__", *(abstract or own)}
    unwritten: frozenset[str] = getattr(live, "__abstractmethods__", frozenset())
    inherited = {name for name in required if getattr(live, name, None) is getattr(protocol, name)}
    return sorted(n for n in required if n in unwritten or n in inherited or not callable(getattr(live, n, None)))


def result_of_example(found: Descriptor) -> Any:
    """What a descriptor's example gives."""
    example = getattr(found, "example", "")
    assert example, f"the {found.role} {found.name!r} has no example"
    try:
        return eval(example, {**WORDS, found.name: target_of(found)})  # noqa: S307 - written by the plugin's own author
    except Exception as error:  # noqa: BLE001 - whatever it is, the example does not run
        pytest.fail(f"the example {example!r} of the {found.role} {found.name!r} does not run: {error!r}")
