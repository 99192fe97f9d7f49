"""Searching 5,000 features: reading the manifest, the first search of it, each further one, and the search alone."""

import statistics
import tempfile
import time
from datetime import UTC, datetime

from invented import store_of

import mlforge as mlf
from mlforge.flow.discovering.cards import cards
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.search import Filters, search

QUERIES = ("spend last week", "merchnat balnce", "risk", "device latency 7d team-3", "userspend", "nothing like it")


def main(options):
    """The goal is 50 ms for a search."""
    features = int(5000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        config = mlf.LocalStore(f"{folder}/store")
        store_of(config, features)
        time.sleep(3)  # what changed a moment ago is read again each time
        defs = mlf.Definitions("many", store=config)
        reading = timed(defs.manifest)
        first = timed(lambda: defs.search_features(QUERIES[0]))
        again = [timed(lambda q=q: defs.search_features(q)) for _ in range(options.runs) for q in QUERIES]
        index = Index(cards(defs.manifest()))
        search(index, QUERIES[0], Filters(), 20, datetime.now(UTC))
        alone = [
            timed(lambda q=q: search(index, q, Filters(), 20, datetime.now(UTC)))
            for _ in range(options.runs)
            for q in QUERIES
        ]
    print(f"\n{features:,} features, {len(QUERIES)} queries, {options.runs} times, processor time")
    print(f"  reading the manifest                     {1000 * reading:6.0f} ms")
    line("the first search of it", [first])
    line("each further, of the same manifest", again)
    line("the search alone", alone)


def line(what, seconds):
    """A line with the median and the slowest."""
    middle, most = 1000 * statistics.median(seconds), 1000 * max(seconds)
    print(f"  {what:40} {middle:6.0f} ms, at most {most:.0f} (goal ≤ 50: {'met' if most <= 50 else 'MISSED'})")


def timed(do):
    """How many seconds of a processor it takes."""
    start = time.process_time()
    do()
    return time.process_time() - start
