"""Descriptors: what a plugin says of itself before anything heavy is imported."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from mlforge.plugin.config import Config

API_VERSION = 1
"""The newest version of this door, which a descriptor names that was written for it: `api=1`."""

SUPPORTED_API = range(1, API_VERSION + 1)
"""The versions of this door that plugins may be written for. A descriptor made for another one is refused."""


class Lack(msgspec.Struct, frozen=True):
    """Something a plugin cannot do: `not_yet`, because of its `upstream`, or `never`; and the reason.

    Example:
        >>> Lack("not_yet", "Delta tables come with the next release.").word
        'not_yet'
    """

    word: Literal["not_yet", "upstream", "never"]
    reason: str


class _Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """What every descriptor says: its name, one line about it, and the version of this door it was written for.

    `api=1` stays right for as long as 1 is among the `SUPPORTED_API`, whatever is added meanwhile.
    """

    role: ClassVar[str] = ""

    name: str
    summary: str
    api: int


class EngineDescriptor(_Descriptor, frozen=True, kw_only=True):
    """An engine, and what a planner must know of it before work starts.

    Args:
        config: The config class; its `target` is the live engine.
        frames: The full names of the frame types it hands to functions and takes back, such as
            `polars.dataframe.frame.DataFrame`; functions are matched to it by their first annotation.
        reads: Formats it reads by itself: `parquet`, `csv`, `delta`; `arrow` where it takes what is none of these as
            Arrow: tables, what databases answer, frames.
        writes: Formats it writes.
        schemes: Where it reads and writes: `file`, `s3`, `gs`, `table`.
        aggregations: The aggregations it computes.
        lacks: What it cannot do, by ability: a format, an aggregation, or a case of the conformance kit.

    Example:
        >>> reads = writes = frozenset({"parquet"})
        >>> EngineDescriptor(
        ...     name="mine",
        ...     summary="My engine",
        ...     api=1,
        ...     config=EngineConfig,
        ...     frames=("mine.Frame",),
        ...     reads=reads,
        ...     writes=writes,
        ... ).schemes
        frozenset({'file'})
    """

    role: ClassVar[str] = "engine"

    config: type[Config]
    frames: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]
    schemes: frozenset[str] = frozenset({"file"})
    aggregations: frozenset[str] = frozenset({"count", "sum", "mean", "std", "min", "max", "median"})
    lacks: dict[str, Lack] = {}


class StoreDescriptor(_Descriptor, frozen=True, kw_only=True):
    """An offline store: which formats it keeps, and the scheme of the addresses it gives out.

    Example:
        >>> StoreDescriptor(name="mine", summary="My store", api=1, config=StoreConfig).formats
        ('parquet',)
    """

    role: ClassVar[str] = "store"

    config: type[Config]
    formats: tuple[str, ...] = ("parquet",)
    scheme: str = "file"
    lacks: dict[str, Lack] = {}


class OnlineStoreDescriptor(_Descriptor, frozen=True, kw_only=True):
    """An online store.

    Args:
        publishes_from: The only offline stores it is published from, by their names; any where none is named. Another
            pairing is refused before anything is built.

    Example:
        >>> OnlineStoreDescriptor(name="mine", summary="My online store", api=1, config=OnlineStoreConfig).role
        'online store'
    """

    role: ClassVar[str] = "online store"

    config: type[Config]
    publishes_from: tuple[str, ...] = ()
    lacks: dict[str, Lack] = {}


class SourceDescriptor(_Descriptor, frozen=True, kw_only=True):
    """Where rows come from that are no files of this machine: `name` is the scheme of addresses, or a table's format.

    Args:
        gives: `objects` of a bucket, which engines read, or `rows` of a table, as Arrow.
        target: What opens a source: called with an `Asking`, it gives `Objects` or `Rows`. Nothing is asked of the
            other side before what it gives is asked.

    Example:
        >>> SourceDescriptor(name="ftp", summary="Files elsewhere", api=1, gives="objects", target="mine:open_ftp").role
        'source'
    """

    role: ClassVar[str] = "source"

    gives: Literal["objects", "rows"]
    target: str


class ValidatorDescriptor(_Descriptor, frozen=True, kw_only=True):
    """A validator: `target` is a callable that returns a `Validator`; `example` a call, such as `is_email()`.

    Example:
        >>> ValidatorDescriptor(
        ...     name="is_email",
        ...     summary="An address",
        ...     api=1,
        ...     target="my_plugin.validators:is_email",
        ...     example="is_email()",
        ... ).role
        'validator'
    """

    role: ClassVar[str] = "validator"

    target: str
    example: str = ""


class MetricDescriptor(_Descriptor, frozen=True, kw_only=True):
    """A metric: `target` is a subclass of `Metric`; `example` a call, such as `Share("a", "b", windows=["7d"])`.

    Example:
        >>> MetricDescriptor(name="Share", summary="A part of a whole", api=1, target="my_plugin.metrics:Share").role
        'metric'
    """

    role: ClassVar[str] = "metric"

    target: str
    example: str = ""


class ObserverDescriptor(_Descriptor, frozen=True, kw_only=True):
    """An observer: its config, which a profile's `observers:` name, and its module where that is a word of `mlforge`.

    Args:
        config: The config class; its `target` is the live observer.
        module: What is `mlforge.mlflow` for an observer `mlflow`; empty where there is nothing to call.

    Example:
        >>> ObserverDescriptor(name="mine", summary="Tells my team", api=1, config=ObserverConfig).role
        'observer'
    """

    role: ClassVar[str] = "observer"

    config: type[Config]
    module: str = ""


class Command(_Descriptor, frozen=True, kw_only=True):
    """A CLI command: `target` is a click command, imported when it is called; `summary` its line of help.

    What `click.pass_obj` hands to it knows the project: `definitions(target)` gives the `Definitions`,
    `served(target, profile)` the names of the features, the online store's config and readers of what is published.

    Example:
        >>> Command(name="greet", summary="Say hello.", api=1, target="my_plugin.cli:greet").role
        'command'
    """

    role: ClassVar[str] = "command"

    target: str


Descriptor = (
    EngineDescriptor
    | StoreDescriptor
    | OnlineStoreDescriptor
    | SourceDescriptor
    | ValidatorDescriptor
    | MetricDescriptor
    | ObserverDescriptor
    | Command
)
