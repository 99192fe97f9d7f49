"""A primary that is lost while features are published and read: Sentinels or the cluster put a replica in its place."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time

import pytest

from mlforge.errors import PluginFailed
from mlforge.testing.online.subject import assert_found, entry
from mlforge_redis.plugin import RedisStore

BATCH = 20
MINE = ("--maxclients", "400")
"""An option that makes this file's clusters others than those of other tests."""


class Publishing:
    """Publishes batch after batch in a thread, and remembers what the store said was written."""

    def __init__(self, store, of="spend"):
        self.store, self.of, self.reported, self.failed = store, of, [], []
        self._going, self._thread = True, threading.Thread(target=self._publish)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._going = False
        self._thread.join(60)

    def _publish(self):
        for turn in itertools.count():
            if not self._going:
                return
            some = [entry(turn * BATCH + i, feature=self.of, x=i) for i in range(BATCH)]
            try:
                assert self.store.write(some) == BATCH
            except PluginFailed as failure:
                self.failed.append(failure)
            else:
                self.reported += some

    def wait_for_more(self, batches=20):
        """Return when some more batches were written."""
        wanted = len(self.reported) + batches * BATCH
        deadline = time.monotonic() + 30
        while len(self.reported) < wanted:
            assert time.monotonic() < deadline, self.failed[-1:]
            time.sleep(0.01)


def assert_kept(store, reported):
    """What was reported as written is read, and awaited."""
    addresses = [e.address for e in reported]
    assert_found(store.read(addresses), reported)
    assert_found(awaited(store, addresses), reported)


def awaited(store, addresses):
    async def run():
        try:
            return await store.aread(addresses)
        finally:
            await store.aclose()

    return asyncio.run(run())


@pytest.fixture
def watched(servers, kind):
    """A primary with two replicas, and the Sentinel that watches them."""
    primary = servers.get(kind, "--maxclients", "401", password="the-right-one")
    follow = ["--replicaof", f"127.0.0.1 {primary.port}", "--masterauth", "the-right-one"]
    replicas = [servers.get(kind, *follow, "--maxclients", str(402 + i), password="the-right-one") for i in range(2)]
    wait_for(lambda: primary.ask("INFO", "replication").count(b"state=online") == 2)
    sentinel = servers.sentinel(kind, primary, password="watch")
    wait_for(lambda: b"slaves=2" in sentinel.ask("INFO", "sentinel"))
    return primary, replicas, sentinel


class TestSentinel:
    def test_a_primary_that_dies_costs_nothing_that_its_replicas_had(self, watched, servers):
        primary, replicas, sentinel = watched
        given = {
            "password": "the-right-one",
            "sentinels": (f"127.0.0.1:{servers.dead()}", f"127.0.0.1:{sentinel.port}"),
            "sentinel_primary": "shop",
            "sentinel_password": "watch",
            "retries": 20,
        }
        with RedisStore(replicas=2, **given).open() as store, RedisStore(replicas=1, **given).open() as newer:
            store.ping()
            with Publishing(store) as publishing:
                publishing.wait_for_more()
                before = publishing.reported[0]
                primary.stop()
                wait_for(lambda: any(b"role:master" in r.ask("INFO", "replication") for r in replicas))
            with Publishing(newer, of="later") as later:
                later.wait_for_more()
            assert_kept(newer, publishing.reported + later.reported)
            assert_found(awaited(store, [before.address]), [before])
            assert str(primary.port).encode() not in b" ".join(
                sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop")
            )

    def test_a_failover_that_was_asked_for_is_followed(self, servers, kind):
        primary = servers.get(kind, "--maxclients", "411")
        replica = servers.get(kind, "--maxclients", "412", "--replicaof", f"127.0.0.1 {primary.port}")
        sentinel = servers.sentinel(kind, primary)
        wait_for(lambda: b"slaves=1" in sentinel.ask("INFO", "sentinel"))
        given = {"sentinels": (f"127.0.0.1:{sentinel.port}",), "sentinel_primary": "shop", "retries": 20}
        with RedisStore(**given).open() as store:

            async def run():
                kept, newer = entry("kept", x=1), entry("kept", as_of=2, x=2)
                store.write([kept])
                assert_found(await store.aread([kept.address]), [kept])
                wait_for(lambda: sentinel.ask("SENTINEL", "FAILOVER", "shop") == b"OK")
                wait_for_role(replica, b"role:master")
                wait_for_role(primary, b"role:slave")
                assert store.write([newer]) == 1
                assert_found(await store.aread([kept.address]), [newer])
                await store.aclose()

            asyncio.run(run())
        assert b"db0:keys=1" in replica.ask("INFO", "keyspace")


def test_sentinels_that_know_no_such_primary_are_named(servers, kind):
    sentinel = servers.sentinel(kind, servers.get(kind))
    given = {"sentinels": (f"127.0.0.1:{sentinel.port}",), "retries": 0}
    with RedisStore(sentinel_primary="other", password="hush", **given).open() as store:
        with pytest.raises(PluginFailed, match=f"127.0.0.1:{sentinel.port}.*other") as caught:
            store.ping()
        with pytest.raises(PluginFailed, match="No Sentinel"):
            awaited(store, [entry(1).address])
    assert "sentinel_primary" in caught.value.hint
    assert "hush" not in f"{caught.value} {caught.value.__cause__!r}"


class TestCluster:
    @pytest.fixture
    def nodes(self, servers, kind):
        """Primaries, each with a replica."""
        primaries = [servers.node(kind, *MINE) for _ in range(3)]
        servers.join(primaries)
        return primaries, servers.replicas(primaries, kind, *MINE)

    def test_a_failover_costs_nothing_that_was_reported(self, nodes):
        primaries, replicas = nodes
        with RedisStore(host="127.0.0.1", port=primaries[0].port, cluster=True, retries=20).open() as store:
            with Publishing(store) as publishing:
                publishing.wait_for_more()
                for replica in replicas[:2]:
                    assert replica.ask("CLUSTER", "FAILOVER") == b"OK"
                    wait_for_role(replica, b"role:master")
                    publishing.wait_for_more()
            assert not publishing.failed
            assert_kept(store, publishing.reported)

    def test_a_primary_that_dies_costs_nothing_that_replicas_had(self, nodes):
        primaries, replicas = nodes
        given = {"host": "127.0.0.1", "port": primaries[0].port, "cluster": True, "retries": 20}
        with RedisStore(replicas=1, **given).open() as store, RedisStore(**given).open() as lone:
            with Publishing(store) as publishing:
                publishing.wait_for_more()
                primaries[1].stop()
                wait_for_role(replicas[1], b"role:master")
            assert_kept(lone, publishing.reported)
            newer = [entry(i, as_of=9, x=i) for i in range(200)]
            assert lone.write(newer) == 200
            assert_kept(lone, newer)
            with pytest.raises(PluginFailed, match="0 of 1 replicas") as caught:
                store.write(newer)
            assert "replicas" in caught.value.hint


def test_what_no_replica_has_is_not_reported_as_written(servers, kind):
    server = servers.get(kind)
    says = f"127.0.0.1:{server.port} took it, but 0 of 1 replicas"
    config = RedisStore(host="127.0.0.1", port=server.port, replicas=1, timeout=0.4)
    with config.open() as store, pytest.raises(PluginFailed, match=says):
        store.write([entry(1, x=1)])


def wait_for_role(server, role):
    wait_for(lambda: role in server.ask("INFO", "replication"))


def wait_for(done):
    """Return when it is so. A server that changes its role ends its connections."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError):
            if done():
                return
        time.sleep(0.02)
    raise AssertionError
