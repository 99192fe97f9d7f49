"""Which plugin gets a name that several claim, and why nobody gets it where nobody does."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mlforge.errors import Conflict, MlforgeError, Unsupported
from mlforge.plugin.hints import CORE, PACKAGES


class Rivalry(msgspec.Struct, frozen=True):
    """A name that several plugins claim: what it names, who claims it, and who gets it, if anybody does.

    Example:
        >>> rivalry("engine", "polars", ["mlforge-polars", "speedy"]).advice
        'Uninstall one of them: pip uninstall speedy'
        >>> rivalry("validator", "not_null", ["mlforge-core", "speedy"]).used
        'mlforge-core'
    """

    role: str
    name: str
    distributions: tuple[str, ...]
    used: str | None

    @property
    def sentence(self) -> str:
        """Who claims it."""
        count = len(self.distributions)
        return f"{count} plugins bring the {self.role} {self.name!r}: {' and '.join(self.distributions)}."

    @property
    def advice(self) -> str:
        """What to do about it: what mlforge itself brings stays, and of its own distributions none is to go first."""
        others = [d for d in self.distributions if d != CORE]
        others.sort(key=lambda d: d.replace("-", "_") in PACKAGES)
        verb = "Uninstall the other" if self.used else "Uninstall one of them"
        return f"{verb}: pip uninstall {others[0]}"


def rivalry(role: str, name: str, distributions: Iterable[str]) -> Rivalry:
    """The rivalry of these distributions. What the core brings is never displaced."""
    claimants = tuple(distributions)
    return Rivalry(role, name, claimants, CORE if CORE in claimants else None)


def refusal(found: Rivalry) -> Conflict:
    """The error for a name that several claim and nobody gets."""
    return Conflict(found.sentence, hint=found.advice)


def withheld(role: str, name: str, distribution: str, error: str, hint: str) -> MlforgeError:
    """The error for a name whose plugin announces it, and is broken."""
    return Unsupported(f"The {role} {name!r} of {distribution} cannot be used: {error}", hint=hint)
