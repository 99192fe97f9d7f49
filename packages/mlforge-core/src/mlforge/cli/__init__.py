"""The command line: `mlforge …`. One file a command, loaded when it is called."""

from __future__ import annotations


def main() -> None:
    """Run `mlforge` with the arguments of the process, and leave with its exit code."""
    import sys

    from mlforge.cli.app import run

    sys.exit(run())
