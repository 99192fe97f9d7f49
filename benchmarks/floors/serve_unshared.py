"""`mlforge serve`, but each request takes a connection of redis-py's for itself. serve_unshared.py PORT"""

import runpy
import sys

from mlforge_redis.awaited import AwaitedSingle


async def ask(self, commands, _):
    """The answers, by redis-py's client alone."""
    return [await self._client.execute_command(*command) for command in commands]


AwaitedSingle.ask = ask
sys.argv = ["mlforge", "serve", "--port", sys.argv[1]]
runpy.run_module("mlforge", run_name="__main__")
