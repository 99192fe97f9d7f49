"""The DynamoDB online store is held to the whole kit."""

from __future__ import annotations

import hashlib
import os

import pytest

from mlforge.testing.online import OnlineServerTests, OnlineStoreTests
from mlforge.testing.online.serving import SECRET
from mlforge.testing.plugins import PluginTests
from mlforge_dynamodb.plugin import DynamoDBStore

KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "the-right-one"}


def own(folder, url, **settings):
    """A config with a table of its own for a folder."""
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    given = {"auto_create": True, "region": "eu-central-1", **KEYS, **settings}
    return DynamoDBStore(table_name=f"test-{mark}", endpoint_url=url, **given)


class TestPlugin(PluginTests):
    entry_point = "dynamodb"


class OneServer:
    @pytest.fixture(autouse=True)
    def _servers(self, servers):
        self.servers = servers

    def config(self, folder):
        return own(folder, self.servers.get().url)


class TestStore(OneServer, OnlineStoreTests):
    pass
