"""Which features are meant: by name, by tag, by schedule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlforge.errors import Invalid, Unknown, nearest
from mlforge.model.feature import Feature

SCHEDULES = ("realtime", "hourly", "daily", "weekly", "monthly", "on-demand")
"""Tags that are schedules."""

Words = str | Feature | Sequence[str | Feature] | None
"""Names, as a list or as `"a,b"`; a feature stands for its own."""


def words(value: Words) -> tuple[str, ...]:
    """Names from a list or from `"a,b"`, each once."""
    given: Iterable[str | Feature] = value.split(",") if isinstance(value, str) else _listed(value)
    names = (w.name if isinstance(w, Feature) else w.strip() for w in given)
    return tuple(dict.fromkeys(n for n in names if n))


def _listed(value: Feature | Sequence[str | Feature] | None) -> Iterable[str | Feature]:
    return (value,) if isinstance(value, Feature) else value or ()


def select(
    features: Mapping[str, Feature], names: Words = None, tags: Words = None, schedule: Words = None
) -> tuple[Feature, ...]:
    """The features that have one of the names, one of the tags and one of the schedules, where those are given.

    Raises:
        Unknown: A name, tag or schedule that nothing has.
    """
    for what, given in (("feature", names), ("tag", tags), ("schedule", schedule)):
        if given is not None and not words(given):
            raise Invalid(f"No {what} is named.", hint="Leave it out to mean all of them.")
    wanted, tagged, scheduled = words(names), words(tags), words(schedule)
    for name in wanted:
        if name not in features:
            raise Unknown(f"There is no feature {name!r}.", hint=nearest(name, features))
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
