"""A feature set: the features of a model, under one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.feature import Feature, FeatureSpec, refuse_name, spec_of
from mlforge.model.html import table
from mlforge.model.request import RequestFeature
from mlforge.model.spelling import Spelled
from mlforge.model.text import refuse_halves
from mlforge.model.version import Version

_EXAMPLE = 'FeatureSet("fraud", features=["user_spend", ("merchant_risk", "1.0.0")])'
Named = str | tuple[str, str] | Feature | FeatureSpec | RequestFeature
"""What names a feature, of a version and with some columns where it says so."""


class FeatureSet(msgspec.Struct, metaclass=Spelled, frozen=True):
    """Features that belong together, such as those of a model. Its name stands wherever features do.

    Args:
        name: A name that no feature has.
        features: `"f"`, `("f", "1.0.0")`, `FeatureSpec("f", columns=[…])` or features, those of requests too.
        description: What it is for.
        owner: Who answers for it.
        tags: Words to find it by.

    Raises:
        Invalid: A name that cannot be one, no feature at all, or one twice.

    Example:
        >>> fraud = mlf.FeatureSet("fraud", features=["user_spend", ("last_purchase", "1.0.0")], owner="risk")
        >>> fraud.names, fraud.pins
        (('user_spend', 'last_purchase'), {'last_purchase': ('1.0.0',)})
    """

    name: str
    features: Sequence[Named] | Named
    description: str | None = None
    owner: str | None = None
    tags: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        refuse_name(self.name, "a feature set")
        members = tuple(one if isinstance(one, RequestFeature) else spec_of(one) for one in _listed(self.features))
        if not members:
            raise Invalid(f"The feature set {self.name!r} names no feature.", hint=_EXAMPLE)
        self._refuse_twins(members)
        tags: tuple[Any, ...] = (self.tags,) if isinstance(self.tags, str) else tuple(self.tags)
        if wrong := [t for t in tags if not isinstance(t, str) or not t.strip()]:
            raise Invalid(f"{wrong[0]!r} in the tags of {self.name!r} is not a name.", hint="Give tags as strings.")
        for text in (self.description, self.owner, *tags):
            refuse_halves(text, f"the feature set {self.name!r}")
        msgspec.structs.force_setattr(self, "features", members)
        msgspec.structs.force_setattr(self, "tags", tags)

    @property
    def members(self) -> tuple[FeatureSpec | RequestFeature, ...]:
        """Its features, in order: request features where they were given themselves."""
        return self.features  # type: ignore[return-value] # made so above

    @property
    def specs(self) -> tuple[FeatureSpec, ...]:
        """What names its features, in order."""
        return tuple(FeatureSpec(one.name) if isinstance(one, RequestFeature) else one for one in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its features, each once."""
        return tuple(dict.fromkeys(spec.name for spec in self.specs))

    @property
    def pins(self) -> dict[str, tuple[str, ...]]:
        """The versions that it names, by feature."""
        pinned = [(spec.name, spec.version) for spec in self.specs if spec.version]
        return {name: tuple(v for n, v in pinned if n == name) for name, _ in pinned}

    def _refuse_twins(self, members: Sequence[FeatureSpec | RequestFeature]) -> None:
        seen = [(m.name, None if isinstance(m, RequestFeature) else m.version) for m in members]
        if twice := next((s for s in seen if seen.count(s) > 1), None):
            name, version = twice
            what = f"{name!r} {version}" if version else repr(name)
            raise Invalid(
                f"The feature set {self.name!r} names {what} twice.",
                hint=f'Name it once, with all columns: FeatureSpec("{name}", columns=[…]).',
            )

    def _repr_html_(self) -> str:
        rows = [(s.name, s.version or "latest", ", ".join(s.columns) if s.columns else "all") for s in self.specs]
        return table(("feature", "version", "columns"), rows, caption=self.name, note=self.description)


def _listed(given: Any) -> Sequence[Any]:
    """Features from a list of them, or one alone."""
    if isinstance(given, str | Feature | FeatureSpec | RequestFeature) or (isinstance(given, tuple) and _is_pin(given)):
        return (given,)
    if not isinstance(given, list | tuple):
        raise Invalid(f"{given!r} is no list of features.", hint=_EXAMPLE)
    return given


def _is_pin(given: tuple[Any, ...]) -> bool:
    """Whether a pair is a feature and its version, rather than two features."""
    return len(given) == 2 and isinstance(given[1], str) and Version.is_valid(given[1])
