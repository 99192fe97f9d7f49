"""Hand-written floor: one Starlette handler, one MGET, the bytes. serve_starlette.py REDIS_PORT PORT wire|client

`client` asks with redis-py, as most people would; `wire` with the shortest protocol over hiredis that there can be.
"""

import asyncio
import hashlib
import json
import sys
from collections import deque

import hiredis
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FEATURES = [f"group_{n}" for n in range(5)]


class Wire(asyncio.Protocol):
    """One connection, questions answered in their order."""

    def connection_made(self, transport):
        self.transport, self.reader, self.asked = transport, hiredis.Reader(), deque()

    def data_received(self, data):
        self.reader.feed(data)
        while (answer := self.reader.gets()) is not False:
            self.asked.popleft().set_result(answer)

    def mget(self, keys):
        self.transport.write(hiredis.pack_command(("MGET", *keys)))
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


def main():
    port, listen, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    clients = []

    async def client():
        if not clients:
            if kind == "wire":
                _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port)
                clients.append(wire)
            else:
                import redis.asyncio

                clients.append(redis.asyncio.Redis(port=port))
        return clients[0]

    async def online(request: Request):
        entity = json.loads(await request.body())["entity"]["user_id"]
        values = await (await client()).mget(keys_of(entity))
        return Response(b"".join(values), media_type="application/octet-stream")

    async def batch(request: Request):
        entities = json.loads(await request.body())["entities"]
        keys = [key for one in entities for key in keys_of(one["user_id"])]
        return Response(b"".join(await (await client()).mget(keys)), media_type="application/octet-stream")

    routes = [Route(f"/features/{f.__name__}", f, methods=["POST"]) for f in (online, batch)]
    uvicorn.run(Starlette(routes=routes), port=listen, log_level="warning", access_log=False)


def keys_of(entity):
    text = str(entity)
    digest = hashlib.sha256(f"i{len(text)}:{text}".encode()).hexdigest()[:32]
    return [f"mlforge:{name}:{digest}" for name in FEATURES]


main()
