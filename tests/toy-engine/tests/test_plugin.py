"""The engine is announced as plugins must be."""

from mlforge.testing import PluginTests


class TestPlugin(PluginTests):
    entry_point = "toy-engine"
