"""How to get a feature's values, ready to be copied: for training, online, and over HTTP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from mlforge.flow.discovering.book import Page
from mlforge.plugin.config import Config, OnlineStoreConfig, StoreConfig, secret_fields

PORT = 8000


class Place(NamedTuple):
    """Where values are: the offline store, and the online store where there is one."""

    offline: StoreConfig | None = None
    online: OnlineStoreConfig | None = None


Kept = TypeVar("Kept", bound=Config)


def below(config: Kept, root: Path) -> Kept:
    """A config as people write it: paths below the project's folder start there."""
    path = getattr(config, "path", None)
    if not isinstance(path, str) or not Path(path).is_relative_to(root):
        return config
    return msgspec.structs.replace(config, path=Path(path).relative_to(root).as_posix())


class Way(NamedTuple):
    """A way to get values: what it is for, the language, and the text."""

    title: str
    language: str
    text: str


def ways(page: Page, place: Place) -> list[Way]:
    """The ways to get a feature's values that there are; none where nothing was built."""
    meta = page.latest
    if meta is None:
        return []
    keys = {c.name: c.dtype for c in meta.columns if c.name in meta.entity_keys}
    found = [Way("For training", "python", _offline(f"{page.name}@{meta.version}", list(keys), place.offline))]
    if place.online is not None:
        entity = {name: _example(dtype) for name, dtype in keys.items()}
        found.append(Way("Online, from Python", "python", _online(page.name, entity, place.online)))
        found.append(Way("Online, over HTTP", "bash", _curl(page.name, entity)))
    return found


def _offline(spec: str, keys: Sequence[str], store: StoreConfig | None) -> str:
    columns = ", ".join(map(repr, keys)) or "no keys"
    where = "" if store is None else f", store={_written(store)}"
    return (
        "import mlforge as mlf\n\n"
        f"# labels: a Polars, pandas or pyarrow table with {columns} and the time of each label\n"
        f"mlf.get_training_data(labels, features=[{spec!r}]{where})\n"
    )


def _online(name: str, entity: dict[str, Any], store: OnlineStoreConfig) -> str:
    return f"import mlforge as mlf\n\nmlf.get_online_features([{name!r}], [{entity!r}], store={_written(store)})\n"


def _curl(name: str, entity: dict[str, Any]) -> str:
    body = shlex.quote(json.dumps({"features": [name], "entity": entity}))
    return (
        "# where `mlforge serve` runs\n"
        f"curl http://127.0.0.1:{PORT}/features/online -H 'Content-Type: application/json' \\\n  -d {body}\n"
    )


@lru_cache(maxsize=8)
def _written(config: Config) -> str:
    """A config as it is typed: what is not the default, secrets as variables of the environment."""
    hidden = secret_fields(type(config))
    fields = [
        f for f in msgspec.structs.fields(type(config)) if f.name == "path" or getattr(config, f.name) != _default(f)
    ]
    given = [f"{f.name}={'…' if f.name in hidden else repr(getattr(config, f.name))}" for f in fields]
    return f"mlf.{type(config).__name__}({', '.join(given)})"


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _example(dtype: str) -> Any:
    """A value of a key's type, for somebody to put another in its place."""
    if dtype == "Boolean":
        return True
    return 1 if dtype.startswith(("Int", "UInt")) else "2026-01-31" if dtype == "Date" else "…"
