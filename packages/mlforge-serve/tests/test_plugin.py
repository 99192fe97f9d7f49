"""The plugin is announced as plugins must be."""

from __future__ import annotations

from mlforge.testing import PluginTests


class TestServePlugin(PluginTests):
    entry_point = "serve"
