"""Which features are meant: by name, by the name of a set, by tag, by schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mlforge.errors import Invalid, Unknown, nearest
from mlforge.model.feature import Feature
from mlforge.model.feature_set import FeatureSet
from mlforge.model.several import several

SCHEDULES = ("realtime", "hourly", "daily", "weekly", "monthly", "on-demand")
"""Tags that are schedules."""

Words = str | Feature | FeatureSet | Sequence[str | Feature | FeatureSet] | None
"""Names, as a list or as `"a,b"`; a feature or a set stands for its own."""
Sets = Mapping[str, FeatureSet]
NO_SETS: Sets = MappingProxyType({})


def words(value: Words) -> tuple[str, ...]:
    """Names from a list or from `"a,b"`, each once. Raises `Invalid` for what is no name."""
    return tuple(dict.fromkeys(name for name in map(_name, _listed(value)) if name))


def _name(word: Any) -> str:
    if isinstance(word, Feature | FeatureSet):
        return word.name
    if not isinstance(word, str):
        raise Invalid(f"{word!r} is no name.", hint='Names are text, or features themselves: ["user_spend"].')
    return word.strip()


def _listed(value: Any) -> Iterable[str | Feature | FeatureSet]:
    if isinstance(value, str):
        return value.split(",")
    return (value,) if isinstance(value, Feature | FeatureSet) else several(value)


def members(value: Words, sets: Sets, *, versions: bool = False) -> tuple[str, ...]:
    """Names, with those of a set's features in place of its own; as `f@1.0.0` where asked and the set says so.

    Raises:
        Invalid: A version of a set.
    """
    given = {w.name: w for w in _listed(value) if isinstance(w, FeatureSet)}
    known = {**given, **sets}
    found = [name for word in words(value) for name in _members(word, known, versions)]
    return tuple(dict.fromkeys(found))


def _members(word: str, sets: Sets, versions: bool) -> Sequence[str]:
    if word in sets:
        return [spec.text for spec in sets[word].specs] if versions else sets[word].names
    refuse_version(word, sets)
    return (word,)


def refuse_version(word: str, sets: Sets) -> None:
    """Raise `Invalid` for `set@1.0.0`."""
    name, sign, _ = word.partition("@")
    if sign and name in sets:
        raise Invalid(
            f"{name!r} is a feature set, which has no versions.",
            hint=f"Name it alone, or one of its features: {sets[name].names[0]}@1.0.0",
        )


def select(
    features: Mapping[str, Feature],
    names: Words = None,
    tags: Words = None,
    schedule: Words = None,
    sets: Sets = NO_SETS,
) -> tuple[Feature, ...]:
    """The features that have one of the names, one of the tags and one of the schedules, where those are given.

    A set's name stands for its features.

    Raises:
        Unknown: A name, tag or schedule that nothing has.
    """
    for what, given in (("feature", names), ("tag", tags), ("schedule", schedule)):
        if given is not None and not words(given):
            raise Invalid(f"No {what} is named.", hint="Leave it out to mean all of them.")
    wanted, tagged, scheduled = members(names, sets), words(tags), words(schedule)
    for name in wanted:
        if name not in features:
            raise Unknown(f"There is no feature {name!r}.", hint=nearest(name, [*features, *sets]))
    _refuse_unknown_tags(features.values(), tagged)
    if wrong := [s for s in scheduled if s not in SCHEDULES]:
        raise Unknown(f"{wrong[0]!r} is not a schedule.", hint=f"Schedules: {', '.join(SCHEDULES)}.")
    found = [features[n] for n in wanted] if wanted else list(features.values())
    return tuple(f for f in found if _has(f, tagged) and _has(f, scheduled))


def _has(feature: Feature, wanted: tuple[str, ...]) -> bool:
    return not wanted or bool(set(wanted) & set(feature.tags))


def _refuse_unknown_tags(features: Iterable[Feature], wanted: tuple[str, ...]) -> None:
    known = sorted({t for f in features for t in f.tags})
    for tag in wanted:
        if tag not in known:
            raise Unknown(f"No feature has the tag {tag!r}.", hint=nearest(tag, known))
