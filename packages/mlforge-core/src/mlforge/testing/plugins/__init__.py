"""What a plugin must prove: it loads, says what it is, and costs nothing until it is used."""

from mlforge.testing.plugins.announcing import AnnouncementTests
from mlforge.testing.plugins.configuring import ConfigTests
from mlforge.testing.plugins.loading import LoadingTests


class PluginTests(LoadingTests, AnnouncementTests, ConfigTests):
    """Everything a plugin must prove.

    Example:
        >>> class TestPlugin(PluginTests):
        ...     entry_point = "polars"
        >>> TestPlugin().entry_point
        'polars'

    A config with fields that have no default gets them from `settings`, by the name it is announced under.
    """


__all__ = ["PluginTests"]
