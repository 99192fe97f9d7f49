"""What a plugin must prove: it loads, says what it is, and costs nothing until it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import msgspec
import pytest

from mlforge.plugin import API_VERSION, Config, hookspecs
from mlforge.plugin.config import load, secret_fields
from mlforge.plugin.registry import GROUP, Plugin, load_plugin

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
)


class PluginTests:
    """Everything a plugin must prove.

    Example:
        >>> class TestPlugin(PluginTests):
        ...     entry_point = "polars"
        >>> TestPlugin().entry_point
        'polars'

    A config with fields that have no default gets them from `settings`, by the name it is announced under.
    """

    entry_point: str = ""
    settings: Mapping[str, Mapping[str, Any]] = {}

    @pytest.fixture
    def plugin(self) -> Plugin:
        """The plugin, loaded from its entry point."""
        return self.loaded()

    def loaded(self) -> Plugin:
        """The plugin with what it announces, or the reason why it is broken."""
        return load_plugin(self._entry().load(), Plugin(self.entry_point, "", ""))

    def _entry(self) -> metadata.EntryPoint:
        found = [e for e in metadata.entry_points(group=GROUP) if e.name == self.entry_point]
        assert len(found) == 1, f"{len(found)} entry points named {self.entry_point!r} in the group {GROUP!r}"
        return found[0]

    def test_it_loads_and_its_hooks_are_known(self, plugin: Plugin) -> None:
        assert plugin.error is None

    def test_it_brings_something_or_observes(self, plugin: Plugin) -> None:
        hooks = [name for name in dir(self._entry().load()) if hasattr(hookspecs, name) and name.startswith("mlforge_")]
        assert hooks, "the module has none of the hooks"

    def test_it_was_written_for_this_api(self, plugin: Plugin) -> None:
        assert {d.api for d in plugin.brings} <= {API_VERSION}

    def test_everything_it_brings_has_a_name_and_a_line_about_it(self, plugin: Plugin) -> None:
        for descriptor in plugin.brings:
            assert all([descriptor.name, descriptor.summary]), descriptor
            assert "\n" not in descriptor.summary

    def test_what_it_announces_can_be_imported(self, plugin: Plugin) -> None:
        for descriptor in plugin.brings:
            config = getattr(descriptor, "config", None)
            target = config.target if config else getattr(descriptor, "target", "")
            assert callable(load(target, descriptor.name)) or hasattr(load(target, descriptor.name), "main")

    def test_configs_are_announced_under_their_kind(self, plugin: Plugin) -> None:
        for name, config in self._configs(plugin).items():
            assert config.kind == name

    def test_configs_are_frozen_and_hashable(self, plugin: Plugin) -> None:
        for config in self._configs(plugin).values():
            assert config.__struct_config__.frozen
            assert hash(config) == hash(msgspec.structs.replace(config))

    def test_configs_are_read_from_a_mapping_of_a_profile(self, plugin: Plugin) -> None:
        for config in self._configs(plugin).values():
            mapping = msgspec.to_builtins(config)
            assert mapping["KIND"] == config.kind
            assert msgspec.convert(mapping, type(config)) == config

    def test_configs_refuse_a_setting_they_do_not_know(self, plugin: Plugin) -> None:
        for config in self._configs(plugin).values():
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(msgspec.to_builtins(config) | {"no_such_setting": 1}, type(config))

    def test_configs_never_print_their_secrets(self, plugin: Plugin) -> None:
        for config in self._configs(plugin).values():
            secrets = {field: f"hidden-{field}" for field in secret_fields(type(config))}
            filled = msgspec.structs.replace(config, **secrets)
            assert not [s for s in secrets.values() if s in f"{filled!r} {filled}"]

    def test_configs_whose_fields_sound_secret_declare_them(self, plugin: Plugin) -> None:
        for config in self._configs(plugin).values():
            sounding = {f for f in config.__struct_fields__ if any(w in f for w in ("password", "secret", "token"))}
            assert sounding <= secret_fields(type(config))

    def test_importing_it_imports_nothing_heavy(self) -> None:
        code = f"import sys, {self._entry().module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
        path = os.pathsep.join(p for p in sys.path if p)
        line = [sys.executable, "-W", "error", "-c", code]
        environment = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
        assert (done.returncode, done.stdout.split()) == (0, []), done.stderr

    def _configs(self, plugin: Plugin) -> dict[str, Config]:
        """An instance of each config it announces."""
        found = {d.name: getattr(d, "config", None) for d in plugin.brings}
        return {name: kind(**self.settings.get(name, {})) for name, kind in found.items() if kind}
