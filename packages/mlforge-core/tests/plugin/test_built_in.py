"""What the core brings enters by the door that is everybody's."""

from mlforge.testing import PluginTests


class TestBuiltIn(PluginTests):
    entry_point = "builtin"


class TestLocal(PluginTests):
    entry_point = "local"
    settings = {"local": {"path": "feature_store"}}  # noqa: RUF012


class TestSQLite(PluginTests):
    entry_point = "sqlite"
    settings = {"sqlite": {"path": "online.db"}}  # noqa: RUF012
