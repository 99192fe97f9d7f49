"""What only Redis can do wrong, and what the kit cannot see."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from mlforge.errors import PluginFailed
from mlforge.plugin import Entry, Point
from mlforge.testing.online.subject import DAY, assert_found, entry, tombstone
from mlforge_redis.plugin import RedisStore


@pytest.fixture
def server(servers, kind):
    found = servers.get(kind)
    found.ask("FLUSHALL")
    return found


@pytest.fixture
def config(server):
    return RedisStore(host="127.0.0.1", port=server.port, timeout=1, connect_timeout=1)


@pytest.fixture
def store(config):
    with config.open() as opened:
        yield opened


def at(instant, value):
    return Entry("spend", "a" * 32, "1.0.0", instant, None, ("x",), (Point(None, (value,)),))


def test_keys_are_the_prefix_the_feature_and_the_hash(store, server):
    store.write([entry(1, x=1)])
    store.swap_note("spend", None, b"1")
    keys = {f"mlforge:spend:{entry(1).key}".encode(), b"mlforge:spend:note"}
    assert set(server.ask("KEYS", "*")) == keys


def test_json_is_for_people(server):
    with RedisStore(host="127.0.0.1", port=server.port, encoding="json").open() as store:
        store.write([entry(1, as_of=5, x=1)])
    assert b'"as_of":5' in server.ask("GET", f"mlforge:spend:{entry(1).key}")


def test_a_request_is_one_command(store, server):
    kept = [entry(i, feature=f, x=i) for i in range(20) for f in ("spend", "plan")]
    store.write(kept)
    server.ask("CONFIG", "RESETSTAT")
    assert_found(store.read([e.address for e in kept]), kept)
    assert b"cmdstat_mget:calls=1," in server.ask("INFO", "commandstats")


@pytest.mark.parametrize("first", ["msgpack", "json"])
@pytest.mark.parametrize("second", ["msgpack", "json"])
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (2**63 - 2, 2**63 - 1),
        (-(2**63), -(2**63) + 1),
        (-1, 0),
        (999_999_999, 1_000_000_000),
        (-1_000_000_000, -999_999_999),
        (2**53, 2**53 + 1),
        (2**32 - 1, 2**32),
    ],
)
def test_instants_are_compared_to_the_last_bit_whatever_the_encoding(config, first, second, older, newer):
    settings = {"host": config.host, "port": config.port}
    with RedisStore(encoding=first, **settings).open() as one, RedisStore(encoding=second, **settings).open() as two:
        assert one.write([at(newer, 1)]) == 1
        assert two.write([at(older, 2)]) == 0
        assert list(two.older("spend", newer)) == []
        assert two.write([at(newer, 3)]) == 1
        assert_found(one.read([at(newer, 3).address]), [at(newer, 3)])
        assert list(one.older("spend", newer)) == []


def test_entities_live_as_long_as_they_should_and_tombstones_a_month(server, store):
    with RedisStore(host="127.0.0.1", port=server.port, ttl=100).open() as short:
        short.write([entry(1, x=1), tombstone(2)])
    store.write([entry(3, x=1), tombstone(4)])
    left = [server.ask("PTTL", f"mlforge:spend:{entry(i).key}") for i in (1, 2, 3, 4)]
    assert all(95_000 < x <= 100_000 for x in left[:2])
    assert left[2] == -1
    assert 29 * DAY // 1000 < left[3] <= 30 * DAY // 1000


def test_a_publish_without_a_lifetime_lifts_the_one_before(server, store):
    with RedisStore(host="127.0.0.1", port=server.port, ttl=100).open() as short:
        short.write([entry(1, x=1)])
    store.write([entry(1, x=2)])
    assert server.ask("PTTL", f"mlforge:spend:{entry(1).key}") == -1


def test_what_is_no_entry_is_not_written_over(store, server):
    server.ask("SET", f"mlforge:spend:{entry(1).key}", b"\x03 of a later mlforge")
    with pytest.raises(PluginFailed, match="no entry this mlforge knows") as caught:
        store.write([entry(1, x=1)])
    assert "prefix" in caught.value.hint
    assert "remove that key" in caught.value.hint
    assert server.ask("GET", f"mlforge:spend:{entry(1).key}") == b"\x03 of a later mlforge"
    with pytest.raises(PluginFailed, match="no entry this mlforge knows"):
        list(store.older("spend", 5))


def test_a_note_of_another_kind_is_refused_by_its_key(store, server):
    server.ask("RPUSH", "mlforge:spend:note", "x")
    for use in (lambda: store.read_note("spend"), lambda: store.swap_note("spend", None, b"{}")):
        with pytest.raises(PluginFailed, match="mlforge:spend:note is of another kind") as caught:
            use()
        assert "prefix" in caught.value.hint
        assert "remove that key" in caught.value.hint
    assert server.ask("LLEN", "mlforge:spend:note") == 1


def test_a_key_of_another_kind_is_refused_with_a_hint(store, server):
    server.ask("RPUSH", f"mlforge:spend:{entry(1).key}", "x")
    with pytest.raises(PluginFailed, match=entry(1).key) as caught:
        store.write([entry(1, x=1)])
    assert "prefix" in caught.value.hint
    with pytest.raises(PluginFailed, match=entry(1).key):
        list(store.older("spend", 5))


def test_a_key_that_is_no_text_is_passed_over(store, server):
    store.write([entry(1, x=1)])
    server.ask("SET", b"mlforge:spend:\xff", "x")
    assert list(store.older("spend", 1)) == [entry(1).key]


def test_a_prefix_is_no_pattern(server):
    with RedisStore(host="127.0.0.1", port=server.port, prefix="m[lf]*?\\").open() as odd:
        with RedisStore(host="127.0.0.1", port=server.port, prefix="ml\\").open() as plain:
            plain.write([entry(1, x=1)])
        odd.write([entry(2, x=1)])
        assert list(odd.older("spend", 1)) == [entry(2).key]


def test_a_prefix_may_go_on_where_anothers_feature_begins(server):
    with RedisStore(host="127.0.0.1", port=server.port, prefix="mlforge:spend").open() as longer:
        longer.write([entry(1, x=1)])
        longer.swap_note("spend", None, b"1")
    with RedisStore(host="127.0.0.1", port=server.port).open() as store:
        store.write([entry(2, x=1)])
        assert list(store.older("spend", 1)) == [entry(2).key]


def test_a_server_that_forgot_its_scripts_is_told_again(store, server):
    store.write([entry(1, x=1)])
    server.ask("SCRIPT", "FLUSH")
    assert store.write([entry(1, as_of=1, x=2)]) == 1
    server.ask("SCRIPT", "FLUSH")
    assert store.swap_note("spend", None, b"1")
    assert_found(store.read([entry(1).address]), [entry(1, as_of=1, x=2)])


def test_a_busy_server_is_named_in_time_and_its_late_answer_goes_to_nobody(store, server):
    store.write([entry(1, x=1), entry(2, x=2)])
    server.ask("CLIENT", "PAUSE", 2500, "ALL")
    started = time.monotonic()
    with pytest.raises(PluginFailed, match="did not answer in time") as caught:
        store.read([entry(1).address])
    assert 0.9 < time.monotonic() - started < 1.9
    assert "timeout (1 s)" in caught.value.hint
    time.sleep(2)
    assert_found(store.read([entry(2).address]), [entry(2, x=2)])


def test_an_awaited_busy_server_is_named_in_time_and_its_late_answer_goes_to_nobody(store, server):
    store.write([entry(1, x=1), entry(2, x=2)])

    async def run():
        await store.aread([entry(1).address])
        server.ask("CLIENT", "PAUSE", 2500, "ALL")
        asked = [asyncio.ensure_future(store.aread([entry(i).address])) for i in (1, 2)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(d) for d in done] == [PluginFailed, PluginFailed]
        await asyncio.sleep(2)
        assert_found(await store.aread([entry(2).address]), [entry(2, x=2)])
        await store.aclose()

    asyncio.run(run())


def test_all_who_await_a_silent_server_are_told_in_time(servers):
    config = RedisStore(host="127.0.0.1", port=servers.silent(), password="x", timeout=0.3, connect_timeout=0.3)

    async def run(store):
        started = time.monotonic()
        asked = [store.aread([entry(i).address]) for i in range(20)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(d) for d in done} == {PluginFailed}
        assert time.monotonic() - started < 2
        await store.aclose()

    with config.open() as store:
        asyncio.run(run(store))


def test_a_connection_that_is_being_made_may_be_closed(servers):
    config = RedisStore(host="127.0.0.1", port=servers.silent(), password="x", timeout=5, connect_timeout=5)

    async def run(store):
        asked = asyncio.ensure_future(store.aread([entry(1).address]))
        await asyncio.sleep(0.05)
        await store.aclose()
        with pytest.raises(PluginFailed):
            await asked

    with config.open() as store:
        asyncio.run(run(store))


def test_who_gives_up_waiting_leaves_the_others_their_answers(store):
    kept = [entry(i, x=i) for i in range(50)]
    store.write(kept)

    async def run():
        asked = [asyncio.ensure_future(store.aread([e.address])) for e in kept]
        await asyncio.sleep(0)
        for given_up in asked[::2]:
            given_up.cancel()
        found = await asyncio.gather(*asked[1::2])
        assert_found([one for (one,) in found], kept[1::2])
        await store.aclose()

    asyncio.run(run())


def test_connections_that_the_server_closed_are_made_anew(store, server):
    kept = entry(1, x=1)
    store.write([kept])

    async def run():
        await store.aread([kept.address])
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        assert_found(await store.aread([kept.address]), [kept])
        await store.aclose()

    asyncio.run(run())
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert_found(store.read([kept.address]), [kept])
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert store.swap_note("spend", None, b"1")
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert store.write([entry(1, as_of=1, x=2)]) == 1


FORKING = """
import os, sys
from mlforge.testing.online.subject import assert_found, entry
from mlforge_redis.plugin import RedisStore

kept = [entry(i, x=i) for i in range(200)]
with RedisStore(host="127.0.0.1", port=int(sys.argv[1]), timeout=1, connect_timeout=1).open() as store:
    store.write(kept)
    child = os.fork()
    for one in kept:
        assert_found(store.read([one.address]), [one])
    if not child:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_process_that_was_forked_does_not_share_connections(server):
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(server.port)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_server_that_takes_no_more_clients_is_named(servers, kind):
    server = servers.get(kind, "--maxclients", "1")
    with RedisStore(host="127.0.0.1", port=server.port).open() as one:
        one.ping()
        with RedisStore(host="127.0.0.1", port=server.port).open() as two:
            with pytest.raises(PluginFailed, match="max number of clients") as caught:
                two.ping()
            assert caught.value.hint

            async def run():  # the server may have gone before what it said was read
                with pytest.raises(
                    PluginFailed, match=f"max number of clients|127.0.0.1:{server.port} does not answer"
                ):
                    await two.aread([entry(1).address])
                await two.aclose()

            asyncio.run(run())


def test_what_is_no_redis_is_named(servers):
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            for _ in range(2):
                talking, _ = listening.accept()
                with talking:
                    talking.recv(1000)
                    talking.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=serve)
        answering.start()
        with RedisStore(host="127.0.0.1", port=listening.getsockname()[1]).open() as store:
            with pytest.raises(PluginFailed, match="127.0.0.1"):
                store.ping()

            async def run():
                with pytest.raises(PluginFailed, match="127.0.0.1"):
                    await store.aread([entry(1).address])
                await store.aclose()

            asyncio.run(run())
        answering.join(10)


def test_a_user_who_may_not_write_is_told_what_is_needed(servers, kind):
    server = servers.get(kind)
    server.ask("ACL", "SETUSER", "reader", "on", ">the-right-one", "~*", "+mget", "+ping")
    given = {"host": "127.0.0.1", "port": server.port, "username": "reader", "password": "the-right-one"}
    with RedisStore(**given).open() as store:
        assert store.read([entry("nobody").address]) == [None]
        with pytest.raises(PluginFailed, match="NOPERM") as caught:
            store.write([entry(1, x=1)])
        assert "EVALSHA" in caught.value.hint


@pytest.mark.parametrize("db", [0, 3])
def test_a_user_who_may_do_what_the_hint_says_reads_and_writes(servers, kind, db):
    server = servers.get(kind)
    server.ask("FLUSHALL")
    words = ["GET", "MGET", "SET", "GETRANGE", "EVAL", "EVALSHA", "SCAN", "PING"]
    rights = [f"+{word}" for word in words]
    server.ask("ACL", "SETUSER", "narrow", "reset", "on", ">the-right-one", "~mlforge:*", *rights)
    given = {"host": "127.0.0.1", "port": server.port, "username": "narrow", "password": "the-right-one", "db": db}
    if db:
        with RedisStore(**given).open() as store, pytest.raises(PluginFailed, match="NOPERM") as caught:
            store.ping()
        assert "SELECT" in caught.value.hint
        server.ask("ACL", "SETUSER", "narrow", "+SELECT")
    with RedisStore(**given).open() as store:
        assert store.write([entry(1, as_of=1, x=1)]) == 1
        assert_found(store.read([entry(1).address]), [entry(1, as_of=1, x=1)])
        assert list(store.older("spend", 2)) == [entry(1).key]


def test_a_server_whose_commands_are_disabled_says_which_are_needed(servers, kind):
    server = servers.get(kind, "--rename-command", "EVALSHA", "")
    with RedisStore(host="127.0.0.1", port=server.port).open() as store:
        with pytest.raises(PluginFailed, match="EVALSHA") as caught:
            store.write([entry(1, x=1)])
        assert "not renamed or disabled" in caught.value.hint


def test_a_cluster_asked_as_one_server_says_what_to_set(servers, kind):
    nodes = servers.cluster(kind)
    with RedisStore(host="127.0.0.1", port=nodes[0].port).open() as store:
        with pytest.raises(PluginFailed, match="MOVED|CROSSSLOT") as caught:
            store.read([entry(i).address for i in range(20)])
        assert "cluster: true" in caught.value.hint


def test_a_server_asked_as_a_cluster_says_so(server):
    with RedisStore(host="127.0.0.1", port=server.port, cluster=True).open() as store:
        with pytest.raises(PluginFailed, match="cluster support disabled") as caught:
            store.read([entry(1).address])
        assert "cluster" in caught.value.hint
