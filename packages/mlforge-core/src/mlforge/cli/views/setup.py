"""What a project is set up with: profiles and plugins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Cell, Styled, columns, facts, say, table
from mlforge.cli.views.wording import listing

_CHOSEN_BY = {
    "flag": "--profile names it",
    "variable": "MLFORGE_PROFILE names it",
    "definitions": "the definitions name it",
    "default": "it is the default_profile",
}


def profile(found: Document) -> None:
    """The profiles, and what is in use."""
    if found["file"] is None:
        say("There is no mlforge.yaml: everything is as the definitions say.")
    else:
        marks = [(Styled(p, "bold") if p == found["in_use"] else p) for p in found["profiles"]]
        table(columns("profile", "*"), [(m, _use(found, m)) for m in marks])
        if found["in_use"] is None:
            say()
            say("None is in use: no flag, no MLFORGE_PROFILE, no default_profile.")
    say()
    settings = [(n, _setting(s, n)) for n, s in found["settings"].items()]
    looking_on = [("observer", _setting(one, "observer")) for one in found["observers"]]
    facts([("definitions", found["definitions"] or "none"), *settings, *looking_on], indent=0)


def plugins(found: Document) -> None:
    """What is installed, what is broken, and what is claimed twice."""
    for number, plugin in enumerate(found["plugins"]):
        if number:
            say()
        say(Styled(plugin["name"], "bold"), f"  {plugin['distribution']} {plugin['version']}")
        if plugin["error"]:
            say(Styled("  broken: ", "red"), plugin["error"])
        if plugin["advice"]:
            say(f"  {plugin['advice']}")
        facts(_brought(plugin["brings"]))
    for rival in found["conflicts"]:
        say()
        claimants = " and ".join(rival["distributions"])
        say(Styled("Conflict: ", "red"), f"the {rival['role']} {rival['name']!r} is claimed by {claimants}.")
        say(f"That of {rival['used']} is used." if rival["used"] else "Neither is used.", f" {rival['advice']}")


def _use(found: Document, profile: Cell) -> str:
    name = profile.text if isinstance(profile, Styled) else profile
    return f"in use: {_CHOSEN_BY[found['why']]}" if name == found["in_use"] else ""


def _setting(settings: Mapping[str, Any] | None, what: str) -> str:
    if settings is None:
        return "the default" if what == "engine" else "none"
    details = [f"{k}: {v}" for k, v in settings.items() if k != "KIND"]
    return "  ".join([settings["KIND"], *details])


def _brought(brings: Sequence[Mapping[str, str]]) -> list[tuple[str, Cell]]:
    roles: dict[str, list[str]] = {}
    for found in brings:
        roles.setdefault(found["role"], []).append(found["name"])
    return [(role, listing(names)) for role, names in roles.items()]
