"""`mlforge ui` over 5,000 features with two versions each: the first page, others, and memory."""

import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from catalog import PROFILES
from invented import store_of

import mlforge as mlf

ASKED = 50
"""How many pages of features are asked for, each once."""


def main(options):
    """No goals: the table tells what a person waits for. With `--more` something was measured of the versions."""
    features = int(5000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mlforge.yaml").write_text(PROFILES)
        store_of(mlf.LocalStore(f"{folder}/feature_store"), features, versions=2, measured=options.more)
        runs = [_run(folder) for _ in range(options.runs)]
    which = "with profiles" if options.more else "without profiles"
    print(f"\n{features:,} features with two versions each, {which}: `mlforge ui --store-only`, {options.runs} times")
    for what in runs[0]:
        unit = "MiB" if what == "memory" else "ms"
        print(f"  {what:44} {statistics.median(run[what] for run in runs):8,.0f} {unit}")


def _run(folder):
    """A server's whole life: medians of what it was asked for, in milliseconds."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "mlforge", "ui", "--store-only", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "read-only" in line)
            port = int(re.search(r"http://[\w.]+:(\d+)", line)[1])
            found = {"until it answers": 1000 * (time.perf_counter() - began)}
            found["the list of all features"], listed = _ask(port, "/")
            found["what the search box reads"], _ = _ask(port, "/assets/features.js")
            pages = re.findall(r'href="(features/[^"]+)"', listed)[:: max(1, listed.count("features/") // ASKED)]
            found["a feature's page"] = statistics.median(_ask(port, f"/{page}")[0] for page in pages)
            found["the same once more"] = statistics.median(_ask(port, f"/{page}")[0] for page in pages)
            waits = [(_later(port, f"/{pages[0]}"), _later(port, "/changes?since=")) for _ in range(50)]
            found["a page, slowest of 50 in 30 s"], found["what has changed, slowest of 50"] = map(
                max, zip(*waits, strict=True)
            )
            status = Path(f"/proc/{process.pid}/status").read_text()
            found["memory"] = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
        finally:
            process.terminate()
    return found


def _later(port, path):
    """How long it takes a moment later: the stores are looked at now and then."""
    time.sleep(0.3)
    return _ask(port, path)[0]


def _ask(port, path):
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != 200:
        sys.exit(f"{path} was answered {answer.status}: {text}")
    return 1000 * (time.perf_counter() - start), text
