"""A cluster that changes while it is used."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
from redis.crc import key_slot

from mlforge.errors import PluginFailed
from mlforge.testing.online.subject import assert_found, entry
from mlforge_redis.plugin import RedisStore

APART = ("--maxclients", "500")
"""An option that makes this file's cluster another than that of the conformance tests."""


@pytest.fixture
def nodes(servers, kind):
    found = servers.cluster(kind, *APART)
    for node in found:
        node.ask("FLUSHALL")
    return found


@pytest.fixture
def store(nodes):
    with RedisStore(host="127.0.0.1", port=nodes[0].port, cluster=True).open() as opened:
        yield opened


def key_of(one):
    return f"mlforge:{one.feature}:{one.key}"


def name(node):
    return node.ask("CLUSTER", "MYID").decode()


def kept_by(nodes, first, last):
    """Entities in slots of a range."""
    found = [e for e in (entry(i, x=i) for i in range(400)) if first <= key_slot(key_of(e).encode()) <= last]
    assert found
    return found


def awaited(store, addresses):
    async def run():
        try:
            return await store.aread(addresses)
        finally:
            await store.aclose()

    return asyncio.run(run())


def test_slots_are_those_the_servers_count(nodes):
    for key in ("", "a", "mlforge:spend:ab", "{a}b", "a{}b", "a{b", "x{é}y", "{{a}}"):
        assert nodes[0].ask("CLUSTER", "KEYSLOT", key) == key_slot(key.encode())


def test_entities_are_spread_over_all_nodes(store, nodes):
    kept = [entry(i, x=i) for i in range(300)]
    store.write(kept)
    sizes = [node.ask("DBSIZE") for node in nodes]
    assert sum(sizes) == 300
    assert min(sizes) > 50


def test_a_prefix_in_braces_keeps_everything_in_one_slot(nodes):
    kept = [entry(i, x=i) for i in range(30)]
    with RedisStore(host="127.0.0.1", port=nodes[0].port, cluster=True, prefix="{shop}").open() as store:
        store.write(kept)
        assert_found(store.read([e.address for e in kept]), kept)
    assert sorted(node.ask("DBSIZE") for node in nodes) == [0, 0, 30]


@pytest.fixture
def moved(nodes):
    """Gives a slot of the first node to the second, and back at the end."""
    slot = key_slot(key_of(kept_by(nodes, 0, 5460)[0]).encode())
    yield slot
    owner = name(nodes[0])
    for node in nodes:
        for key in node.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            node.ask("DEL", key)
    for node in nodes:
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")
        assert node.ask("CLUSTER", "SETSLOT", slot, "NODE", owner) == b"OK"


def test_a_slot_that_moved_is_found_where_it_is(store, nodes, moved):
    (kept, *others) = kept_by(nodes, 0, 5460)
    store.write(others)
    assert awaited(store, [others[0].address]) == store.read([others[0].address])
    for node in nodes:
        assert node.ask("CLUSTER", "SETSLOT", moved, "NODE", name(nodes[1])) == b"OK"
    assert store.write([kept]) == 1
    assert nodes[1].ask("DBSIZE") == 1
    assert_found(store.read([kept.address, others[0].address]), [kept, others[0]])
    assert_found(awaited(store, [kept.address, others[0].address]), [kept, others[0]])


def test_a_slot_that_is_moving_is_asked_for_where_its_keys_are(store, nodes, moved):
    (kept, *_) = kept_by(nodes, 0, 5460)
    store.ping()
    assert nodes[1].ask("CLUSTER", "SETSLOT", moved, "IMPORTING", name(nodes[0])) == b"OK"
    assert nodes[0].ask("CLUSTER", "SETSLOT", moved, "MIGRATING", name(nodes[1])) == b"OK"
    assert store.write([kept]) == 1
    assert (nodes[0].ask("DBSIZE"), nodes[1].ask("DBSIZE")) == (0, 1)
    assert_found(store.read([kept.address]), [kept])
    assert_found(awaited(store, [kept.address]), [kept])


def test_a_node_that_is_gone_is_named_and_served_again_when_it_is_back(store, servers, kind):
    nodes = servers.cluster(kind, *APART)
    kept = [entry(i, x=i) for i in range(100)]
    store.write(kept)
    nodes[2].stop()
    with pytest.raises(PluginFailed, match="does not answer|CLUSTERDOWN") as caught:
        store.read([e.address for e in kept])
    assert caught.value.hint
    with pytest.raises(PluginFailed, match="does not answer|CLUSTERDOWN"):
        awaited(store, [e.address for e in kept])
    nodes[2].start()
    servers.wait_until_up(nodes)
    store.write(kept)
    assert_found(store.read([e.address for e in kept]), kept)
    store.ping()


def test_a_node_that_is_too_slow_costs_its_time_limit_once(nodes):
    kept = [entry(i, x=i) for i in range(100)]
    with RedisStore(host="127.0.0.1", port=nodes[0].port, cluster=True, timeout=1).open() as store:
        store.write(kept)
        nodes[1].ask("CLIENT", "PAUSE", 6000, "ALL")
        for ask in (store.read, partial(awaited, store)):
            started = time.monotonic()
            with pytest.raises(PluginFailed, match="did not answer in time"):
                ask([e.address for e in kept])
            assert time.monotonic() - started < 2.8
        time.sleep(4)
        assert_found(store.read([e.address for e in kept]), kept)


def test_a_cluster_that_is_down_does_not_answer_a_ping(servers, kind):
    node = servers.node(kind)
    with RedisStore(host="127.0.0.1", port=node.port, cluster=True).open() as store:
        with pytest.raises(PluginFailed, match="CLUSTERDOWN") as caught:
            store.ping()
        assert "CLUSTER INFO" in caught.value.hint
