"""`@feature`: from a function to a definition, refused here where it cannot be right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, Never

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.constants import native
from mlforge.model.duration import Duration
from mlforge.model.entity import Entity
from mlforge.model.expr import Expr
from mlforge.model.feature import Feature, refuse_name
from mlforge.model.field import Field
from mlforge.model.fitting import answering
from mlforge.model.metric import Metric
from mlforge.model.source import Source
from mlforge.model.spelling import refuse_unknown, spelled
from mlforge.model.text import refuse_halves
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_unnamable
from mlforge.project.derived import expressions, refuse_derived
from mlforge.project.fields import fields_of, refuse_described

_EXAMPLE = '@mlf.feature(source="payments.csv", keys="user_id")'


@spelled
def feature(
    _function: Any = None,
    /,
    *,
    source: str | PathLike[str] | Source | None = None,
    keys: str | Sequence[str] | None = None,
    entities: Entity | Sequence[Entity] | None = None,
    timestamp: str | Timestamp | None = None,
    interval: str | timedelta | None = None,
    metrics: Metric | Sequence[Metric] = (),
    derived: Mapping[str, Expr] | None = None,
    fields: Field | Sequence[Field] = (),
    validators: Mapping[str, Validator | Sequence[Validator]] | None = None,
    tags: str | Sequence[str] = (),
    description: str | None = None,
    owner: str | None = None,
    engine: Any = None,
    max_age: str | timedelta | None = None,
    tie_break: str | None = None,
    online_horizon: str | timedelta | None = None,
    incremental: bool | None = None,
    name: str | None = None,
    **unknown: Never,
) -> Callable[[Callable[..., Any]], Feature]:
    """Make a function over a source a feature. The function stays callable.

    Args:
        source: What the function is handed: a path, a glob, a folder, or a `Source`.
        keys: The columns that identify what a row is about. Either these or `entities`.
        entities: The same as `Entity`, with names and surrogate keys.
        timestamp: The column that says when a row became known; needed with metrics.
        interval: The bucket's length for metrics, such as `"1d"`; every window is a whole multiple of it. Without one,
            windows follow every single event.
        metrics: What to compute over windows of the returned rows. Without any, the returned rows are the feature.
        derived: Columns that are computed of the others, and of `at()`, when somebody asks for them; they are not
            stored: `{"days_since_paid": (at() - col("last_paid_all")) / days(1)}`.
        fields: What columns mean, stored or derived ones: `Field("amount", description="Last paid", unit="USD")`.
            Metrics say it of theirs.
        validators: Promises by column, checked before anything is written.
        tags: Words to select by; `hourly`, `daily` … are schedules.
        description: What it means; the function's docstring if None.
        owner: Who to ask.
        engine: The engine that builds it; the project's if None.
        max_age: Values older than this are null, in training and in serving.
        tie_break: Without metrics: of rows with the same keys and timestamp, the greatest value here wins.
        online_horizon: How far ahead of a publish what is served stays exact; two intervals, or two days, if None.
        incremental: Whether a build continues the latest version with what came since, instead of building everything.
            The profile's word if None. The function is then handed the new rows and those that the longest window
            before them holds: it must not mix rows that lie further apart, and not change times.
        name: The feature's name; the function's if None.
        **unknown: None: a word that is none of these is answered with the nearest.

    Raises:
        Invalid: Something in the definition cannot be right; the message names it.

    Example:
        >>> import mlforge as mlf
        >>> @mlf.feature(
        ...     source="flights.parquet",
        ...     keys="carrier",
        ...     timestamp="hour",
        ...     interval="1d",
        ...     metrics=[mlf.Mean("delay", windows=["7d"])],
        ... )
        ... def carrier_delay(df):
        ...     return df
        >>> [c.name for c in carrier_delay.plan.columns]
        ['delay__mean__7d']
    """
    given = dict(locals())
    _refuse_call(_function, source, unknown)

    refuse_halves(description, "description")
    refuse_halves(owner, "owner")

    @answering("@feature", feature, given)
    def decorate(function: Callable[..., Any]) -> Feature:
        made = Feature(
            name=checked_name(name or str(getattr(function, "__name__", ""))),
            function=_checked_function(function),
            source=_source(source),
            entities=_entities(keys, entities),
            timestamp=Timestamp(timestamp) if isinstance(timestamp, str) else timestamp,
            interval=None if interval is None else Duration.parse(interval, "interval"),
            metrics=_metrics(metrics),
            derived=expressions(derived or {}, "derived"),
            fields=fields_of(fields, "@feature"),
            validators=_validators(validators or {}),
            tags=strings(tags, "tags"),
            description=description or _first_paragraph(function),
            owner=owner,
            engine=engine,
            max_age=None if max_age is None else Duration.parse(max_age, "max_age"),
            tie_break=tie_break,
            online_horizon=None if online_horizon is None else Duration.parse(online_horizon, "online_horizon"),
            incremental=incremental,
        )
        check_definition(made)
        return made

    return decorate


def _refuse_call(function: Any, source: Any, unknown: Mapping[str, Any]) -> None:
    """Raise `Invalid` for a call that Python alone would answer with a bare TypeError."""
    if function is not None:
        what = "@feature stands without parentheses" if callable(function) else f"@feature({function!r}) names nothing"
        raise Invalid(f"{what}.", hint=_EXAMPLE)
    known = (p for p in inspect.signature(feature).parameters if p not in ("_function", "unknown"))
    refuse_unknown("@feature", unknown, known)
    if source is None:
        raise Invalid("@feature needs a source.", hint=_EXAMPLE)


def _source(given: Any) -> Source:
    return given if isinstance(given, Source) else Source(given)


def check_definition(made: Feature) -> None:
    """Refuse a definition whose parts do not fit each other."""
    for refuse in (_refuse_clock, _refuse_windows, _refuse_names, _refuse_tie_break, refuse_derived, refuse_described):
        refuse(made)


def _refuse_clock(made: Feature) -> None:
    where = f"Feature {made.name!r}"
    if made.metrics and made.timestamp is None:
        raise Invalid(
            f"{where} has metrics but no timestamp.", hint='Say when an event happened: timestamp="event_time".'
        )
    if made.interval and not made.metrics:
        raise Invalid(f"{where} has an interval but no metrics.", hint="Drop the interval, or give it metrics.")
    if made.incremental and made.timestamp is None:
        raise Invalid(
            f"{where} is incremental but has no timestamp to tell what is new by.", hint="Give it a timestamp."
        )
    if made.max_age and made.timestamp is None:
        raise Invalid(f"{where} has a max_age but no timestamp to count from.", hint="Give it a timestamp.")
    if made.online_horizon and made.timestamp is None:
        raise Invalid(f"{where} has an online_horizon but no timestamp: nothing changes with time.", hint="Drop it.")


def _refuse_windows(made: Feature) -> None:
    if made.plan is None or made.interval is None:
        return
    for column in made.plan.columns:
        if odd := next((w for w in column.windows if not w.is_multiple_of(made.interval)), None):
            raise Invalid(
                f"Feature {made.name!r}: the window {odd} of {column.name!r} is not a whole multiple of the interval "
                f"{made.interval}.",
                hint="Choose a window, and an offset, that are, or a shorter interval.",
            )


def _refuse_names(made: Feature) -> None:
    keys, metrics = [k.name for k in made.keys], [c.name for c in made.plan.columns] if made.plan else []
    names = [*keys, *([made.timestamp.name] if made.timestamp else []), *metrics]
    hint = "Keys, timestamp and metrics need names of their own: name=… on a metric, alias=… on a Timestamp."
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise Invalid(f"Feature {made.name!r} would have two columns named {twice[0]!r}.", hint=hint)
    refuse_unnamable(names, f"Feature {made.name!r}", hint)


def _refuse_tie_break(made: Feature) -> None:
    if made.tie_break is None:
        return
    if made.metrics:
        raise Invalid(
            f"Feature {made.name!r} has metrics and a tie_break.", hint="Tied events all count in a window: drop it."
        )
    if made.tie_break in made.shape.identity:
        raise Invalid(
            f"Feature {made.name!r} breaks ties by {made.tie_break!r}, in which tied rows are equal.",
            hint="Name another column.",
        )


def checked_name(name: str) -> str:
    """A feature's name. Raises `Invalid` for what cannot be one."""
    if name == "<lambda>":
        raise Invalid("A lambda has no name to call the feature by.", hint='Give it one: name="user_spend".')
    refuse_name(name, "a feature")
    return name


def _checked_function(function: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(function, Feature):
        raise Invalid(f"{function.name!r} is a feature already.", hint="Decorate the function once.")
    if not callable(function):
        raise Invalid(f"{function!r} is not a function.", hint="Put @feature(...) above a function.")
    return function


def _entities(keys: Any, entities: Any) -> tuple[Entity, ...]:
    if (keys is None) == (entities is None):
        raise Invalid("A feature needs keys or entities, one of them.", hint='keys=["user_id"] or entities=[user]')
    if entities is None:
        names = strings(keys, "keys")
        found = tuple(Entity(k, join_key=k) for k in names)
    else:
        found = (entities,) if isinstance(entities, Entity) else tuple(entities)
        _refuse_strangers(found)
        names = _keys_of(found)
    if not names or len(set(names)) < len(names):
        raise Invalid(f"The keys {list(names)} name no column or one twice.", hint="Name each key column once.")
    return found


def _keys_of(entities: tuple[Entity, ...]) -> tuple[str, ...]:
    """The key columns; one that several entities share stands once. Raises `Invalid` where they make it differently."""
    made: dict[str, tuple[str, ...]] = {}
    for key in (k for e in entities for k in dict.fromkeys(e.keys)):
        if made.setdefault(key.name, key.sources) != key.sources:
            raise Invalid(
                f"Two entities make the key {key.name!r} of different columns.",
                hint="Give one of them another join_key.",
            )
    return tuple(made)


def _refuse_strangers(entities: tuple[Any, ...]) -> None:
    if wrong := [e for e in entities if not isinstance(e, Entity)]:
        raise Invalid(f"{wrong[0]!r} is not an Entity.", hint='Entity("user", join_key="user_id")')


def _metrics(metrics: Any) -> tuple[Metric, ...]:
    found = (metrics,) if isinstance(metrics, Metric) else () if metrics is None else tuple(metrics)
    if wrong := [m for m in found if not isinstance(m, Metric)]:
        raise Invalid(f"{wrong[0]!r} is not a metric.", hint='Sum("amount", windows=["7d"])')
    return found


def _validators(validators: Mapping[str, Any]) -> tuple[tuple[str, Validator], ...]:
    if not isinstance(validators, Mapping):
        raise Invalid(f"validators={validators!r} names no columns.", hint='validators={"amount": [not_null()]}')
    pairs = [
        (native(column), v)
        for column, given in validators.items()
        for v in (given if isinstance(given, list | tuple) else (given,))
    ]
    for column, v in pairs:
        if not isinstance(v, Validator):
            called = (
                f"Call it: {v.__name__}()" if callable(v) and hasattr(v, "__name__") else "not_null(), in_range(0, 1)"
            )
            raise Invalid(f"{v!r} on {column!r} is not a validator.", hint=called)
    return tuple(pairs)


def strings(value: Any, what: str) -> tuple[str, ...]:
    """One text or several. Raises `Invalid` for anything else."""
    found = (value,) if isinstance(value, str) else () if value is None else tuple(map(native, value))
    if wrong := [v for v in found if not isinstance(v, str) or not v]:
        raise Invalid(f"{wrong[0]!r} in {what} is not a name.", hint=f"Give {what} as strings.")
    for text in found:
        refuse_halves(text, what)
    return found


def _first_paragraph(function: Callable[..., Any]) -> str | None:
    text = (getattr(function, "__doc__", None) or "").strip().split("\n\n")[0]
    return " ".join(text.split()) or None
