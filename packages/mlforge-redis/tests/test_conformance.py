"""The Redis online store is held to the whole kit: on Valkey and on Redis, one server and a cluster."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import ClassVar

import pytest

from mlforge.testing.online import (
    AsyncOnlineStoreTests,
    DamagedOnlineStoreTests,
    EncodedOnlineStoreTests,
    OnlineServerTests,
    OnlineStoreTests,
)
from mlforge.testing.online.serving import SECRET
from mlforge.testing.plugins import PluginTests
from mlforge_redis.plugin import RedisStore


def own(folder, **settings):
    """A config with a prefix of its own for a folder."""
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return RedisStore(host="127.0.0.1", prefix=f"test-{mark}", **settings)


class TestPlugin(PluginTests):
    entry_point = "redis"


class OneServer:
    settings: ClassVar = {}

    @pytest.fixture(autouse=True)
    def _servers(self, servers, kind):
        self.servers, self.kind = servers, kind

    def config(self, folder):
        return own(folder, port=self.servers.get(self.kind).port, **self.settings)

    @contextmanager
    def failing(self, folder):
        server = self.servers.get(self.kind)
        server.stop()
        try:
            yield
        finally:
            server.start()

    def damage(self, folder, address, change):
        server, key = self.servers.get(self.kind), f"{self.config(folder).prefix}:{address.feature}:{address.key}"
        server.ask("SET", key, change(server.ask("GET", key)))


class TestOneServer(
    OneServer, OnlineStoreTests, AsyncOnlineStoreTests, EncodedOnlineStoreTests, DamagedOnlineStoreTests
):
    pass


class TestAsJSON(OneServer, OnlineStoreTests, AsyncOnlineStoreTests, EncodedOnlineStoreTests, DamagedOnlineStoreTests):
    settings: ClassVar = {"encoding": "json"}


class TestFaultsOfOneServer(OneServer, OnlineServerTests):
    where = "127.0.0.1"

    def faulty(self, fault, folder):
        if fault == "refusing":
            return own(folder, port=self.servers.get(self.kind, password="the-right-one").port, password=SECRET)
        port = self.servers.dead() if fault == "down" else self.servers.silent()
        return own(folder, port=port, timeout=0.3, connect_timeout=0.3)

    def full(self, folder):
        options = ("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        return own(folder, port=self.servers.get(self.kind, *options).port)

    def expiring(self, folder):
        return own(folder, port=self.servers.get(self.kind).port, ttl=1)

    def restart(self, folder):
        server = self.servers.get(self.kind)
        server.stop()
        server.start()


class Cluster(OneServer):
    def config(self, folder):
        nodes = self.servers.cluster(self.kind)
        return own(folder, port=nodes[1].port, cluster=True)

    @contextmanager
    def failing(self, folder):
        for node in self.servers.cluster(self.kind):
            node.stop()
        try:
            yield
        finally:
            self.servers.restart_cluster(self.kind)


class TestCluster(Cluster, OnlineStoreTests, AsyncOnlineStoreTests, EncodedOnlineStoreTests):
    pass


class TestFaultsOfACluster(Cluster, OnlineServerTests):
    where = "127.0.0.1"

    def faulty(self, fault, folder):
        if fault == "refusing":
            port = self.servers.get(self.kind, password="the-right-one").port
            return own(folder, port=port, password=SECRET, cluster=True)
        port = self.servers.dead() if fault == "down" else self.servers.silent()
        return own(folder, port=port, timeout=0.3, connect_timeout=0.3, cluster=True)

    def full(self, folder):
        options = ("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        return own(folder, port=self.servers.cluster(self.kind, *options)[0].port, cluster=True)

    def expiring(self, folder):
        return own(folder, port=self.servers.cluster(self.kind)[0].port, cluster=True, ttl=1)

    def restart(self, folder):
        self.servers.restart_cluster(self.kind)
