"""300,000 requests to `mlforge serve` from 8 clients: whether any fails, and whether any is held up.

Both are read from the server's own counters. A server on a crowded machine waits for a processor like anybody else, so
how long it waited is told as well: a request that was held up meanwhile was not held up by the server.
"""

import contextlib
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import HERE, measure
from load import MLFORGE, metrics, mlforge_asks, need_wrk, redis, server, slow, wrk

REQUESTS, CLIENTS, ENTITIES = 300_000, 8, 10_000
STALL = 0.05
BOUNDS = (0.005, 0.01, 0.025, STALL, 0.1, 0.25)
LOOKED_EVERY = 0.002


def main(options):
    """One row of 50 features each time, of 10,000 entities; at least as many requests as wanted."""
    need_wrk()
    wanted = int(REQUESTS * options.scale)
    with tempfile.TemporaryDirectory() as folder, redis() as port:
        store = f"{{KIND: redis, port: {port}}}"
        measure([sys.executable, HERE / "serve_project.py", folder, ENTITIES, store])
        with server(MLFORGE, folder, mlforge_asks(1)) as running, waiting(running.pid) as waited:
            start = time.perf_counter()
            failed = load(running.port, wanted)
            seconds = time.perf_counter() - start
            counted = metrics(running.port)
    total, late = slow(counted, STALL)
    print(f"{total:,} requests in {seconds:.0f} s, {failed} errors seen by the clients (goal 0)")
    print(f"in the server's own histogram {late} above {STALL * 1000:g} ms (goal 0)")
    for bound in BOUNDS:
        print(f"  above {bound * 1000:4g} ms {slow(counted, bound)[1]:7,}")
    for name in (name for name in counted if name.startswith("mlforge_errors_total")):
        print(f"  {name} {counted[name]:.0f}")
    longest, often = max(waited, default=0) * 1000, sum(w > STALL for w in waited)
    print(
        f"it waited for a processor {sum(waited):.2f} s in all, {longest:.0f} ms at most, {often} times as long as that"
    )


def load(port, wanted):
    """Ask until it is enough. Gives how many requests failed."""
    done = failed = 0
    rate = wanted
    while done < wanted:
        run = wrk(port, mlforge_asks(1), CLIENTS, 1, ENTITIES, done, 1.02 * (wanted - done) / rate)
        done, failed, rate = done + run["requests"], failed + run["errors"], run["rate"]
    return failed


@contextlib.contextmanager
def waiting(pid):
    """Each time that a process was ready and no processor free, in seconds, as the kernel counts it."""
    found, ended = [], threading.Event()
    watch = threading.Thread(target=_watch, args=(pid, found, ended))
    watch.start()
    try:
        yield found
    finally:
        ended.set()
        watch.join()


def _watch(pid, found, ended):
    place = Path(f"/proc/{pid}/schedstat")
    before = int(place.read_text().split()[1])
    while not ended.wait(LOOKED_EVERY):
        now = int(place.read_text().split()[1])
        if now > before:
            found.append((now - before) / 1e9)
        before = now
