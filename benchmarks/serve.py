"""Requests a second and latency of `mlforge serve`, beside a bare Starlette handler that reads the same keys."""

import contextlib
import statistics
import sys
import tempfile

from harness import FLOORS, HERE, measure
from load import MLFORGE, loaded, metrics, mlforge_asks, need_wrk, redis, server, slow

LOADS = {"1 row, 1 client": (1, 1), "1 row, 8 clients": (8, 1), "100 rows, 1 client": (1, 100)}
GOAL = {1: 0.8}
STALL = 0.05


def main(options):
    """50 features of 5 groups, 10,000 entities: one row and a hundred, one client and eight."""
    need_wrk()
    entities = int(10_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder, redis() as port:
        store = f"{{KIND: redis, port: {port}}}"
        measure([sys.executable, HERE / "serve_project.py", folder, entities, store])
        floor = [sys.executable, FLOORS / "serve_starlette.py", port, "{port}"]
        sides = {"floor": [*floor, "client"], "floor, wire": [*floor, "wire"], "mlforge": MLFORGE}
        sides["mlforge, unshared"] = [sys.executable, FLOORS / "serve_unshared.py", "{port}"]
        with contextlib.ExitStack() as all_servers:
            enter = all_servers.enter_context
            servers = {name: enter(server(words, folder, mlforge_asks(1))) for name, words in sides.items()}
            started = servers["mlforge"]
            print(
                f"start of mlforge serve to its first answer: {started.seconds:.2f} s (goal ≤ 1), "
                f"{started.cpu:.2f} s of processor"
            )
            for load, (clients, rows) in LOADS.items():
                compare(load, servers, clients, rows, entities, options)
            total, late = slow(metrics(servers["mlforge"].port), STALL)
        print(f"\nin the server's own histogram: {total:,} requests, {late} above {STALL * 1000:g} ms")


def compare(load, servers, clients, rows, entities, options):
    """Load each side in turn, `runs` times, and print the medians beside each other."""
    found = {name: [] for name in servers}
    for number in range(options.runs + 1):
        for name, running in servers.items():
            run = loaded(running, mlforge_asks(rows), clients, rows, entities, number, 5 * options.scale)
            if number:
                found[name].append(run)
    middle = {n: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for n, runs in found.items()}
    goal = f" (goal ≥ {GOAL[rows]})" if rows in GOAL else ""
    print(f"\n{load}")
    for name, run in middle.items():
        first = middle["floor"]
        ratio = f"   × {run['rate'] / first['rate']:.2f} the rate, × {first['cpu'] / run['cpu']:.2f} by time used{goal}"
        print(
            f"  {name:17} {run['rate']:7,.0f} /s  p50 {run['p50']:6.2f} ms  p99 {run['p99']:6.2f} ms"
            f"  {run['cpu']:6,.0f} µs of processor each  {run['errors']:.0f} errors{'' if name == 'floor' else ratio}",
            flush=True,
        )
