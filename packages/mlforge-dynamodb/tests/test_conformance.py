"""The DynamoDB online store is held to the whole kit."""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager

import pytest

from mlforge.testing.online import DamagedOnlineStoreTests, OnlineServerTests, OnlineStoreTests
from mlforge.testing.online.serving import SECRET
from mlforge.testing.plugins import PluginTests
from mlforge_dynamodb.items import place_of


class TestPlugin(PluginTests):
    entry_point = "dynamodb"


class OneServer:
    @pytest.fixture(autouse=True)
    def _servers(self, servers, config):
        self.servers, self.own = servers, config

    def config(self, folder):
        return self.own(folder, self.servers.get().url)

    @contextmanager
    def failing(self, folder):
        server = self.servers.get()
        server.stop()
        try:
            yield
        finally:
            server.start()


class TestStore(OneServer, OnlineStoreTests, DamagedOnlineStoreTests):
    many, several = 1_200, 150  # the stand-in takes a hundred times as long as DynamoDB does

    @pytest.fixture(autouse=True)
    def _opened(self):
        with ExitStack() as self.stack:
            self.tables = {}
            yield

    def damage(self, folder, address, change):
        if folder not in self.tables:
            self.tables[folder] = self.stack.enter_context(self.config(folder).open()).table
        item = self.tables[folder].get(place_of(address))
        item["body"]["B"] = change(item["body"]["B"])
        self.tables[folder].put(item, "attribute_exists(pk)", {})


class TestFaults(OneServer, OnlineServerTests):
    where = "127.0.0.1"

    def faulty(self, fault, folder):
        if fault == "refusing":
            url = self.servers.get(INITIAL_NO_AUTH_ACTION_COUNT="0").url
            return self.own(folder, url, auto_create=False, secret_access_key=SECRET)
        url = self.servers.dead() if fault == "down" else self.servers.silent()
        return self.own(folder, url, auto_create=False, timeout=0.3, connect_timeout=0.3)

    def full(self, folder):
        proxy = self.servers.proxy()
        proxy.busy["PutItem"] = math.inf
        return self.own(folder, proxy.url, patience=0.5)

    def expiring(self, folder):
        return self.own(folder, self.servers.get().url, ttl_seconds=1)

    def restart(self, folder):
        """The server keeps nothing: its table is made again, as it is by whoever restores it."""
        server = self.servers.get()
        server.stop()
        server.start()
        self.config(folder).open().__exit__(None, None, None)
