"""Run a benchmark: run.py NAME [--runs N] [--scale X] [--engine E] [--store S]"""

import argparse
from importlib import import_module

BENCHMARKS = {
    "windows": "windows",
    "more": "windows_more",
    "instants": "windows_instants",
    "median": "windows_median",
    "ranges": "windows_ranges",
    "where": "windows_where",
    "growth": "growth",
    "large": "large",
    "pit": "pit",
    "many": "pit_many",
    "start": "start",
    "listing": "listing",
    "upload": "upload",
    "search": "search",
    "catalog": "catalog",
    "ui": "ui",
    "increment": "increment",
    "parts": "parts",
    "verify": "verify",
    "versus_sdk": "versus_sdk",
    "versus_feast": "versus_feast",
    "versus_feast_online": "versus_feast_online",
    "online_redis": "online_redis",
    "derived": "derived",
    "quality": "quality",
    "drift": "drift",
    "spark": "spark",
    "serve": "serve",
    "serve_long": "serve_long",
}


def main():
    """Read the options and hand over to the benchmark's own module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each side (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="the share of the full data (1)")
    parser.add_argument("--more", action="store_true", help="versus, ui: see its file")
    parser.add_argument("--engine", choices=["polars", "duckdb"], default="polars", help="which of ours to measure")
    parser.add_argument("--store", choices=["local", "s3"], help="listing: a store of 1,000 features × 20 versions")
    parser.add_argument("--peer", help="versus: the Python of an environment with the peer, instead of making one")
    options = parser.parse_args()
    import_module(BENCHMARKS[options.name]).main(options)


if __name__ == "__main__":
    main()
