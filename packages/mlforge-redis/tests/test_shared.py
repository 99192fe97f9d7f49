"""The connection that coroutines share answers as redis-py's own client does."""

from __future__ import annotations

import asyncio
import random

import pytest
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Late

from mlforge_redis.awaited import AwaitedCluster, AwaitedSingle
from mlforge_redis.clients import Clients
from mlforge_redis.plugin import RedisStore
from mlforge_redis.server import Server
from mlforge_redis.shared import Closed, Conversation

VALUES = {f"k{i}": bytes([i % 256]) * (i * 37 % 70_000) for i in range(200)}
"""Short ones, empty ones, and some longer than what is read in one piece."""


@pytest.fixture(params=["one server", "a cluster"])
def config(request, servers, kind):
    if request.param == "one server":
        found = RedisStore(host="127.0.0.1", port=servers.get(kind).port)
    else:
        found = RedisStore(host="127.0.0.1", port=servers.cluster(kind)[0].port, cluster=True)
    server = Server(found)
    server.ask([*[("SET", key, value) for key, value in VALUES.items()], ("DEL", "list")], [*VALUES, "list"])
    server.ask([("RPUSH", "list", "x")], ["list"])
    server.close()
    return found


def test_both_ways_give_the_same(config):
    drawn = random.Random(0)
    names = [*VALUES, "missing", "list"]
    questions = [
        [(drawn.choice(["GET", "MGET", "STRLEN"]), drawn.choice(names)) for _ in range(drawn.randrange(1, 12))]
        for _ in range(300)
    ]

    async def run():
        kind = AwaitedCluster if config.cluster else AwaitedSingle
        shared = kind(Clients(config), 10)
        clients = Clients(config)
        plain = clients.awaited_cluster() if config.cluster else clients.awaited_single()
        mine = await asyncio.gather(*(shared.ask(some, [key for _, key in some]) for some in questions))
        theirs = [[await said(plain, command) for command in some] for some in questions]
        await shared.close()
        await plain.aclose()
        return mine, theirs

    mine, theirs = asyncio.run(run())
    assert [list(map(comparable, some)) for some in mine] == [list(map(comparable, some)) for some in theirs]
    assert sum(isinstance(a, ResponseError) for some in mine for a in some) > 3


async def said(client, command):
    try:
        return await client.execute_command(*command)
    except ResponseError as error:
        return error


def comparable(answer):
    return (type(answer), str(answer)) if isinstance(answer, Exception) else answer


def test_who_asks_at_once_sends_at_once(servers, kind):
    server = servers.get(kind)

    async def run():
        shared = AwaitedSingle(Clients(RedisStore(host="127.0.0.1", port=server.port)), 10)
        await shared.ask([("MGET", "a")], ["a"])
        before = clients(server)
        await asyncio.gather(*(shared.ask([("MGET", "a")], ["a"]) for _ in range(500)))
        assert clients(server) == before
        await shared.close()

    asyncio.run(run())


def clients(server):
    return server.ask("INFO", "clients").split(b"connected_clients:")[1].split()[0]


def test_what_is_asked_in_the_turn_in_which_a_connection_ends_opens_no_other(servers, kind):
    server = servers.get(kind)

    async def run():
        client = Clients(RedisStore(host="127.0.0.1", port=server.port)).awaited_single()
        connection = client.connection_pool.make_connection()
        await connection.connect()
        conversation = Conversation(connection, 10)
        asked = conversation.ask([("MGET", "a")])  # goes out when this turn is over
        await conversation.close()
        with pytest.raises(Closed):
            await asked
        with pytest.raises(Closed):
            conversation.ask([("MGET", "a")])
        for _ in range(20):
            await asyncio.sleep(0.01)
            assert not connection.is_connected
        await client.aclose()

    asyncio.run(run())


def test_what_is_asked_while_a_late_answer_ends_the_connection_opens_no_other(servers, kind):
    server = servers.get(kind)

    async def run():
        client = Clients(RedisStore(host="127.0.0.1", port=server.port)).awaited_single()
        connection = client.connection_pool.make_connection()
        await connection.connect()
        conversation, loop = Conversation(connection, 0.1), asyncio.get_running_loop()
        late, asked = conversation.ask([("BLPOP", "nothing", 5)]), []
        loop.call_at(loop.time() + 0.1, lambda: asked.append(conversation.ask([("MGET", "a")])))
        with pytest.raises(Late):
            await late
        with pytest.raises(Lost):
            await asked[0]
        for _ in range(20):
            assert not connection.is_connected
            await asyncio.sleep(0.01)
        await client.aclose()

    asyncio.run(run())
