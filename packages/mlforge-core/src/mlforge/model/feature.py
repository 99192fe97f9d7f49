"""A feature: a function over a source, and what its result means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.check import Check, Validator
from mlforge.model.duration import Duration
from mlforge.model.entity import Entity
from mlforge.model.expr import Expr
from mlforge.model.field import Field
from mlforge.model.keys import Key
from mlforge.model.metric import Metric, WindowPlan
from mlforge.model.source import Source
from mlforge.model.spelling import Spelled
from mlforge.model.timestamp import Timestamp
from mlforge.model.version import Version

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def refuse_name(name: object, what: str) -> None:
    """Raise `Invalid` for something that cannot be the name of `a feature` or `a feature set`.

    Example:
        >>> refuse_name("user spend", "a feature")
        Traceback (most recent call last):
        mlforge.errors.Invalid: 'user spend' cannot be a feature's name. Use letters, digits, _ and -, ...
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot be {what}'s name.",
            hint="Use letters, digits, _ and -, starting with a letter or digit, at most 128 in all.",
        )


class Shape(msgspec.Struct, frozen=True):
    """What a feature's rows are known by: its keys, and when.

    Args:
        keys: The key columns, those made by `surrogate_key` with their sources.
        timestamp: The column that says when, and its name in the result; None for a feature without time.
        tie_break: Of rows with the same keys and timestamp, the one with the greatest value here wins.
    """

    keys: tuple[Key, ...]
    timestamp: Timestamp | None = None
    tie_break: str | None = None

    @property
    def key_names(self) -> tuple[str, ...]:
        return tuple(k.name for k in self.keys)

    @property
    def stamp(self) -> str | None:
        """The timestamp's column in the result."""
        return self.timestamp.name if self.timestamp else None

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that tell rows apart: keys, then the stamp if there is one."""
        return self.key_names + ((self.stamp,) if self.stamp else ())


class Feature(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A named set of columns about an entity, and how it is made. `@feature` makes one of a function.

    Calling it calls the function.

    Example:
        >>> import mlforge as mlf
        >>> @mlf.feature(source="payments.csv", keys="user_id", tags="users")
        ... def last_payment(df):
        ...     return df
        >>> last_payment.name, last_payment.tags
        ('last_payment', ('users',))
    """

    name: str
    function: Callable[..., Any]
    source: Source
    entities: tuple[Entity, ...]
    timestamp: Timestamp | None = None
    interval: Duration | None = None
    metrics: tuple[Metric, ...] = ()
    derived: dict[str, Expr] = {}
    fields: tuple[Field, ...] = ()
    validators: tuple[tuple[str, Validator], ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    owner: str | None = None
    engine: Any = None
    max_age: Duration | None = None
    tie_break: str | None = None
    online_horizon: Duration | None = None
    incremental: bool | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Feature({self.name!r}, keys={[k.name for k in self.keys]}, source={self.source.path!r})"

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple({k.name: k for e in self.entities for k in e.keys}.values())

    @property
    def shape(self) -> Shape:
        return Shape(self.keys, self.timestamp, self.tie_break)

    @cached_property
    def plan(self) -> WindowPlan | None:
        """What its metrics ask of an engine; None for a feature without windows."""
        columns = tuple(c for m in self.metrics for c in m.columns())
        return WindowPlan(self.interval, columns) if columns else None

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(v.on(column) for column, v in self.validators)

    def _repr_html_(self) -> str:
        from mlforge.model.html import table

        rows = [
            ("keys", ", ".join(k.name for k in self.keys)),
            ("source", self.source.path),
            ("timestamp", self.timestamp.name if self.timestamp else "–"),
            ("interval", str(self.interval or "–")),
            ("columns", ", ".join(c.name for c in self.plan.columns) if self.plan else "what the function returns"),
            *([("derived", ", ".join(self.derived))] if self.derived else []),
            ("validators", ", ".join(f"{column} {v.label or v.name}" for column, v in self.validators) or "–"),
            ("tags", ", ".join(self.tags) or "–"),
            ("owner", self.owner or "–"),
        ]
        return table(("", ""), rows, caption=self.name, note=self.description)


class FeatureSpec(msgspec.Struct, metaclass=Spelled, frozen=True):
    """A feature to retrieve: which version, which of its columns.

    Args:
        name: The feature.
        version: `"1.0.0"`; the latest if None.
        columns: Some of its columns; all if None.

    Raises:
        Invalid: A name that is empty, a version that is none, or columns that name none.

    Example:
        >>> FeatureSpec("user_spend", columns=["amount__sum__7d"]).columns
        ('amount__sum__7d',)
    """

    name: str
    version: str | None = None
    columns: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str) or not name.strip():
            raise Invalid(f"{self.name!r} cannot be a feature's name.", hint='FeatureSpec("user_spend")')
        if self.version is not None:
            Version.parse(self.version)
        if self.columns is not None:
            given: tuple[Any, ...] = (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)
            if not given or not all(isinstance(c, str) and c for c in given):
                raise Invalid(
                    f"FeatureSpec({self.name!r}) chooses the columns {list(given)}, which name none.",
                    hint="Name some, or leave columns out for all of them.",
                )
            msgspec.structs.force_setattr(self, "columns", given)

    @property
    def text(self) -> str:
        """`f`, or `f@1.0.0`.

        Example:
            >>> FeatureSpec("user_spend", "1.0.0").text
            'user_spend@1.0.0'
        """
        return f"{self.name}@{self.version}" if self.version else self.name

    @classmethod
    def named(cls, text: str) -> FeatureSpec:
        """What `"f"` or `"f@1.0.0"` means. Raises `Invalid` where no version follows the `@`.

        Example:
            >>> FeatureSpec.named("user_spend@1.0.0").version
            '1.0.0'
        """
        name, sign, version = text.partition("@")
        if sign and not version:
            raise Invalid(
                f"{text!r} names no version.", hint=f"Such as {name or 'name'}@1.0.0, or {name or 'name'} alone."
            )
        return cls(name, version or None)


def is_version(given: Any) -> bool:
    """Whether it is one feature and its version, and not two features.

    Example:
        >>> is_version(("user_spend", "1.0.0")), is_version(("user_spend", "last_purchase"))
        (True, False)
    """
    return (
        isinstance(given, tuple)
        and len(given) == 2
        and all(isinstance(one, str) for one in given)
        and Version.is_valid(given[1])
    )


def spec_of(given: Any) -> FeatureSpec:
    """Which feature, version and columns something names. Raises `Invalid` where it names none.

    Example:
        >>> spec_of(("user_spend", "1.0.0")) == spec_of("user_spend@1.0.0")
        True
    """
    match given:
        case FeatureSpec():
            return given
        case Feature():
            return FeatureSpec(given.name)
        case str():
            return FeatureSpec.named(given)
        case (str() as name, str() as version):
            return FeatureSpec(name, version)
        case _:
            pass
    raise Invalid(f"{given!r} does not name a feature.", hint='"f", ("f", "1.0.0") or FeatureSpec("f", columns=[…])')
