"""What every class of plugin tests shares: which plugin."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pytest

from mlforge.plugin import Config
from mlforge.plugin.registry import GROUP, Plugin, load_plugin


class PluginSubject:
    """The plugin under test: a subclass names its entry point."""

    entry_point: str = ""
    settings: Mapping[str, Mapping[str, Any]] = {}

    @pytest.fixture
    def plugin(self) -> Plugin:
        """The plugin, loaded from its entry point."""
        return self.loaded()

    def loaded(self) -> Plugin:
        """The plugin with what it announces, or the reason why it is broken."""
        return load_plugin(self.entry().load(), Plugin(self.entry_point, "", ""))

    def entry(self) -> metadata.EntryPoint:
        """The plugin's entry point."""
        found = [e for e in metadata.entry_points(group=GROUP) if e.name == self.entry_point]
        assert len(found) == 1, f"{len(found)} entry points named {self.entry_point!r} in the group {GROUP!r}"
        return found[0]

    def configs(self, plugin: Plugin) -> dict[str, Config]:
        """An instance of each config it announces."""
        found = {d.name: getattr(d, "config", None) for d in plugin.brings}
        return {name: kind(**self.settings.get(name, {})) for name, kind in found.items() if kind}
