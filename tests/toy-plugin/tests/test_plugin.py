"""The plugin is announced as plugins must be."""

from mlforge.testing import PluginTests


class TestToyPlugin(PluginTests):
    entry_point = "toy"
