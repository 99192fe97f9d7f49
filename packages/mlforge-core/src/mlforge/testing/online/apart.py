"""Work with an online store that another process does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import msgspec

from mlforge.plugin import OnlineStoreConfig
from mlforge.testing.victim import environment

PATIENCE = 120


class Errand(msgspec.Struct):
    """Which store, and what is done with it: a function of a module, which takes the store and these."""

    config: str
    settings: dict[str, Any]
    work: str
    given: list[Any]


def started(config: OnlineStoreConfig, work: Callable[..., object], *given: Any) -> subprocess.Popen[str]:
    """A process that opens the store, and calls `work(store, *given)` when all are `at_once`."""
    errand = Errand(_named(type(config)), msgspec.to_builtins(config), _named(work), list(given))
    code = "from mlforge.testing.online.apart import main; main()"
    line = [sys.executable, "-c", code, msgspec.json.encode(errand).decode()]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment())  # noqa: S603


def at_once(processes: Iterable[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """The same, at work now: each has the store open before the first begins."""
    ready = [(p, p.stdout.readline() if p.stdout else "") for p in processes]
    for process, line in ready:
        if line and process.stdin:
            process.stdin.write(line)
            process.stdin.flush()
    return [process for process, _ in ready]


def finished(processes: Iterable[subprocess.Popen[str]], *codes: int) -> list[int]:
    """How each process ended. Fails, with what it said, where one ended in another way than well or by these codes."""
    told = [(p.communicate(timeout=PATIENCE)[1], p.returncode) for p in processes]
    wrong = [said for said, code in told if code not in (0, *codes)]
    assert not wrong, wrong[0]
    return [code for _, code in told]


def main() -> None:
    """Do what is asked for."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    config = msgspec.convert(errand.settings, _found(errand.config))
    with config.open() as store:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        sys.stdin.readline()
        _found(errand.work)(store, *errand.given)


def _named(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _found(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
