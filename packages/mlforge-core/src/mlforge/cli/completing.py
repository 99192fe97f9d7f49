"""What a shell may complete: names of features, versions, tags, sets and profiles. No definition is imported for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from mlforge.cli.known import Known

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[Known, click.Context], Iterable[str]], *, listed: bool = False) -> Complete:
    """Complete by names; those that are `listed` go on after a comma. Whatever goes wrong, nothing is completed."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from mlforge.cli.known import known

        before, comma, begun = incomplete.rpartition(",") if listed else ("", "", incomplete)
        try:
            found = sorted(set(names(known(Path.cwd(), ctx.params.get("profile")), ctx)))
        except Exception:  # noqa: BLE001 - a shell that completes shows no errors
            return []
        taken = set(before.split(","))
        return [CompletionItem(f"{before}{comma}{n}") for n in found if n.startswith(begun) and n not in taken]

    return complete


def _versions(known: Known, ctx: click.Context) -> Iterable[str]:
    """Those of the feature that was named before."""
    named: Any = ctx.params.get("name") or ctx.params.get("words") or ctx.args
    name = named if isinstance(named, str) else (named[-1] if named else "")
    return known.versions.get(name, ())


def _pinned(known: Known, _: click.Context) -> Iterable[str]:
    """Features and sets, and features at each of their versions."""
    return [*known.features, *known.sets, *(f"{name}@{v}" for name, found in known.versions.items() for v in found)]


features = _completing(lambda known, _: known.features, listed=True)
feature = _completing(lambda known, _: known.features)
anything = _completing(lambda known, _: [*known.features, *known.sets])
pinned = _completing(_pinned)
sets = _completing(lambda known, _: known.sets, listed=True)
tags = _completing(lambda known, _: known.tags, listed=True)
profiles = _completing(lambda known, _: known.profiles)
versions = _completing(_versions)
