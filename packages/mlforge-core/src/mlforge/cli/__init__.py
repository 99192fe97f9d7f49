"""The command line: `mlforge …`. One file a command, loaded when it is called."""

from __future__ import annotations


def main() -> None:
    """Run `mlforge` with the arguments of the process, and leave with its exit code."""
    import sys

    try:
        from mlforge.cli.app import run

        code = run()
    except KeyboardInterrupt:  # while modules were loaded, or an error was being put in words
        sys.stderr.write("Interrupted.\n")
        code = 130
    sys.exit(code)
