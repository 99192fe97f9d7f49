"""Publishing to Redis and serving from it by Feast 0.67 and by mlforge: 50 features in 5 groups of 10.

Publishing, as whole processes and once more by each side's own clocks when everything is loaded:

- Feast's `materialize` reads the sources, takes each entity's latest row and writes it;
- mlforge's `publish` does the same from versions that are built, and notes what was published;
- mlforge's `build(online=True)` reads the sources, too: it checks, hashes and keeps a version of each group, and then
  publishes.

Serving: `feast serve` and `mlforge serve`, one worker each, in turn under the same load by wrk; both answer JSON with
all 50 values and their statuses (Feast's with each value's time, too). Before that the values of both are compared.

`materialize` looks by default, as mlforge always does, whether something newer is there already. `skip_dedup` leaves
that out; it stands beside. In Feast's favour are, when serving, `--max-requests 0`, as its worker would otherwise start
anew after every 1,000 requests, `--no-access-log`, a registry that is not read again meanwhile, and that its features
are named one by one: with a feature service a request for one row takes it more than twice as long. mlforge serves as
it does by itself. Redis' own time counts for nobody.
"""

import json
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

from harness import HERE, alternate, last_json, measure, report
from load import MLFORGE, Question, loaded, mlforge_asks, need_wrk, redis, server
from redis import Redis
from versus import PEERS, interpreter, say

LOADS = {
    "1 row, 1 client": (1, 1),
    "1 row, 8 clients": (8, 1),
    "100 rows, 1 client": (1, 100),
    "100 rows, 8 clients": (8, 100),
}
SERVE = ["serve", "--port", "{port}", "--no-access-log", "--max-requests", "0", "--registry_ttl_sec", "86400"]
REFERENCES = json.dumps([f"group_{group}:g{group}_f{n}" for group in range(5) for n in range(10)])
FEAST_ASKS = Question("/get-online-features", f'{{"features":{REFERENCES},"entities":{{"user_id":[', "%d", "]}}")
FEAST = {"feast": "false", "feast-skip_dedup": "true"}
OURS = {"mlforge publish": "publish", "mlforge build": "build"}
GROUPS, FEATURES = 5, 50
CLOCKS = ("seconds", "cpu")


def main(options):
    """10,000 entities: publish them, compare some, then load both servers."""
    need_wrk()
    os.environ["FEAST_USAGE"] = "False"
    python = interpreter(options, "peer-feast", "Python 3.11: hatch python install 3.11")
    entities = max(200, int(10_000 * options.scale))
    with tempfile.TemporaryDirectory() as folder, redis() as port:
        measure(
            [sys.executable, HERE / "serve_project.py", folder, entities, f"{{KIND: redis, port: {port}}}", "timed"]
        )
        feast = {name: [python, PEERS / "online_feast.py", "materialize", Path(folder, name)] for name in FEAST}
        for name, skip in FEAST.items():
            measure([python, PEERS / "online_feast.py", "apply", Path(folder, name), folder, port, skip])
        publish(feast, folder, port, entities, options)
        words = [Path(python).with_name("feast"), "-c", Path(folder, "feast"), *SERVE]
        theirs, ours = server(words, folder, FEAST_ASKS), server(MLFORGE, folder, mlforge_asks(1))
        with theirs as theirs, ours as ours:
            print(f"\nfrom start to first answer: feast {theirs.seconds:.2f} s, mlforge {ours.seconds:.2f} s")
            compare(theirs.port, ours.port, entities)
            for load, (clients, rows) in LOADS.items():
                serve(load, {"feast": theirs, "mlforge": ours}, clients, rows, entities, options)


def publish(feast, folder, port, entities, options):
    """Each side in turn into an empty Redis; then one of each side, so that both can be served."""
    client = Redis(port=port)
    sides = feast | {n: [sys.executable, PEERS / "online_mlforge.py", verb, folder] for n, verb in OURS.items()}
    found = alternate(sides, options.runs, client.flushall, warm=options.runs > 1)
    report(f"Publishing {entities:,} entities × {FEATURES} features in {GROUPS} groups, whole processes", found, {})
    say(found, feast)
    again(feast, sides, port, entities, client, options)
    client.flushall()
    for name in ("feast", "mlforge publish"):
        measure(sides[name])


def again(feast, sides, port, entities, client, options):
    """The second of two times in one process, by its own clocks: when everything is imported and connected."""
    sides = {name: [*words, port] for name, words in sides.items()}
    found = alternate(sides, options.runs, client.flushall, warm=False)
    print("\nThe same once more in one process, by its own clocks (goal ≥ 10 ×)")
    clocks = {name: [statistics.median(last_json(r)[c] for r in runs) for c in CLOCKS] for name, runs in found.items()}
    (wall, processor), *_ = clocks.values()
    for name, (seconds, cpu) in clocks.items():
        ratios = "" if name in feast else f"   {wall / seconds:.1f} × wall, {processor / cpu:.1f} × CPU"
        print(
            f"  {name:16} {seconds:7.2f} s {cpu:6.2f} s CPU {entities * GROUPS / seconds:9,.0f} rows/s{ratios}",
            flush=True,
        )


def compare(theirs, ours, entities):
    """Exit where the sides do not answer the same values, so that nobody is fast by answering something else."""
    users = random.Random(0).sample(range(entities), 100)
    for asked in (users, users[:1]):
        answer = FEAST_ASKS.ask(theirs, *asked)
        names = [name for name in answer["metadata"]["feature_names"] if name != "user_id"]
        columns = dict(zip(answer["metadata"]["feature_names"], (r["values"] for r in answer["results"]), strict=True))
        feast = [{name: columns[name][n] for name in names} for n in range(len(asked))]
        mlforge = mlforge_asks(len(asked)).ask(ours, *asked)["values"]
        mlforge = [mlforge] if len(asked) == 1 else mlforge
        if feast != mlforge or len(names) != FEATURES or None in feast[0].values():
            sys.exit(f"the values differ: {json.dumps(feast[0])}\n{json.dumps(mlforge[0])}")
    print(f"the same {FEATURES} values of {len(users)} entities from both")


def serve(load, servers, clients, rows, entities, options):
    """Load both in turn, once uncounted and `runs` times, and print the medians beside each other."""
    found = {name: [] for name in servers}
    for number in range(options.runs + 1):
        for name, running in servers.items():
            question = FEAST_ASKS if name == "feast" else mlforge_asks(rows)
            run = loaded(running, question, clients, rows, entities, number, 5 * options.scale)
            if number:
                found[name].append(run)
    middle = {n: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for n, runs in found.items()}
    theirs, ours = middle.values()
    print(f"\n{load}")
    for name, run in middle.items():
        print(
            f"  {name:8} {run['rate']:8,.0f} /s  p50 {run['p50']:7.2f} ms  p99 {run['p99']:7.2f} ms"
            f"  {run['cpu']:8,.0f} µs of processor each  {run['errors']:.0f} errors",
            flush=True,
        )
    print(
        f"  mlforge: {ours['rate'] / theirs['rate']:.1f} × the requests a second (goal ≥ 15), "
        f"{theirs['cpu'] / ours['cpu']:.1f} × by processor time, p99 {theirs['p99'] / ours['p99']:.1f} × shorter",
        flush=True,
    )
