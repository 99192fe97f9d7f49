"""Configs are what users hold and what profiles decode into."""

from __future__ import annotations

import msgspec
import pytest

from mlforge.plugin.config import secret_fields
from mlforge.plugin.registry import Plugin
from mlforge.testing.plugins.subject import PluginSubject

SOUNDING = ("password", "secret", "token")


class ConfigTests(PluginSubject):
    """Frozen, hashable, read from a profile, and silent about secrets."""

    def test_configs_are_announced_under_their_kind(self, plugin: Plugin) -> None:
        for name, config in self.configs(plugin).items():
            assert config.kind == name

    def test_configs_are_frozen_and_hashable(self, plugin: Plugin) -> None:
        for config in self.configs(plugin).values():
            assert config.__struct_config__.frozen
            assert hash(config) == hash(msgspec.structs.replace(config))

    def test_configs_are_read_from_a_mapping_of_a_profile(self, plugin: Plugin) -> None:
        for config in self.configs(plugin).values():
            mapping = msgspec.to_builtins(config)
            assert mapping["KIND"] == config.kind
            assert msgspec.convert(mapping, type(config)) == config

    def test_configs_refuse_a_setting_they_do_not_know(self, plugin: Plugin) -> None:
        for config in self.configs(plugin).values():
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(msgspec.to_builtins(config) | {"no_such_setting": 1}, type(config))

    def test_configs_never_print_their_secrets(self, plugin: Plugin) -> None:
        for config in self.configs(plugin).values():
            secrets = {field: f"hidden-{field}" for field in secret_fields(type(config))}
            filled = msgspec.structs.replace(config, **secrets)
            shown = f"{filled!r} {filled} {list(filled.__rich_repr__())}"
            assert not [s for s in secrets.values() if s in shown]

    def test_configs_whose_fields_sound_secret_declare_them(self, plugin: Plugin) -> None:
        for config in self.configs(plugin).values():
            sounding = {f for f in config.__struct_fields__ if any(w in f for w in SOUNDING)}
            assert sounding <= secret_fields(type(config))
