"""Run a benchmark: run.py NAME [--runs N] [--scale X] [--engine E]"""

import argparse
from importlib import import_module

NAMES = ["windows", "increment", "pit", "start", "listing", "serve", "versus_sdk", "versus_feast", "online_redis"]


def main():
    """Read the options and hand over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each side (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="the share of the full data (1)")
    parser.add_argument("--more", action="store_true", help="windows: four windows beside three; versus: see its file")
    parser.add_argument(
        "--engine", choices=["polars", "duckdb"], default="polars", help="for windows, increment and pit"
    )
    parser.add_argument("--peer", help="versus: the Python of an environment with the peer, instead of making one")
    options = parser.parse_args()
    import_module(options.name).main(options)


if __name__ == "__main__":
    main()
