"""Version numbers: `MAJOR.MINOR.PATCH`."""

from __future__ import annotations

import re

import msgspec

from mlforge.errors import Invalid

_FORM = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


class Version(msgspec.Struct, frozen=True, order=True):
    """A version number, ordered by its parts: 1.10.0 after 1.9.0.

    Example:
        >>> str(Version.parse("1.9.0").bump("minor"))
        '1.10.0'
    """

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.2.3`. Raises `Invalid` for anything else."""
        match = _FORM.fullmatch(str(text))
        if match is None:
            raise Invalid(f"{text!r} is not a version.", hint="Write three numbers: 1.2.3.")
        return cls(*(int(g) for g in match.groups()))

    @staticmethod
    def is_valid(text: str) -> bool:
        return _FORM.fullmatch(text) is not None

    def bump(self, part: str) -> Version:
        """The next `major`, `minor` or `patch` version."""
        if part == "major":
            return Version(self.major + 1, 0, 0)
        if part == "minor":
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
