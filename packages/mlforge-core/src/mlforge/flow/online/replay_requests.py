"""Replaying request features: what is computed of a request against what training computes of the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mlforge.flow.moments import iso
from mlforge.flow.online.lookup import EntityRow, ServedStatus
from mlforge.flow.online.publication import last_publish
from mlforge.flow.online.reader import OnlineFeatures, Reader
from mlforge.flow.online.replay import LABEL, Replaying, close, published, sample_of
from mlforge.flow.online.replay_report import ReplayDifference, ReplayResult
from mlforge.flow.rows import rows_of
from mlforge.flow.versions.reach import reading
from mlforge.flow.wanted import Wanted, joined
from mlforge.model.duration import MICROS
from mlforge.model.feature import FeatureSpec
from mlforge.model.keys import BadKey
from mlforge.model.meta import Artifact
from mlforge.model.request import Requested, RequestFeature
from mlforge.model.schema import Column, Schema
from mlforge.model.span import moment_of
from mlforge.model.timestamp import Timestamp

NULLS = 0.1
"""The share of inputs that are null."""
BITS = (31, 15, 7, 1)
"""How large integers are drawn, the largest first."""


def replay_request(replaying: Replaying, feature: RequestFeature) -> ReplayResult:
    """Compare what is computed of a request with what training computes, with inputs that are drawn by chance.

    Raises:
        NotFound: A feature that it uses is not served, or its version is gone.
        Invalid: That version was built again with other rows, or its data is damaged.
    """
    artifacts = [
        published(replaying, use.name, last_publish(replaying.online, use.name, use.version)) for use in feature.uses
    ]
    pairs = zip(feature.uses, artifacts, strict=True)
    uses = tuple(FeatureSpec(use.name, use.version or one.meta.version, use.columns) for use, one in pairs)
    pinned = Requested(msgspec.structs.replace(feature, uses=uses))
    with reading(replaying.store, artifacts):
        rows, online = _asked(replaying, pinned, artifacts)
        offline = _offline(replaying, pinned, rows, artifacts) if rows else []
    return ReplayResult(
        feature=feature.name, at=iso(replaying.at), entities=len(rows), cells=len(rows) * len(feature.columns),
        differences=tuple(_differences(feature, rows, online, offline)),
    )  # fmt: skip


def _asked(
    replaying: Replaying, pinned: Requested, artifacts: Sequence[Artifact], bits: Sequence[int] = BITS
) -> tuple[list[dict[str, Any]], OnlineFeatures]:
    """What is asked, and the answers; with smaller integers where what is computed of them does not fit 64 bits."""
    rows = _rows(replaying, pinned.feature, artifacts, bits[0])
    try:
        return rows, Reader(replaying.online, pinned, clock=lambda: replaying.at).read(rows)
    except BadKey as error:
        if error.what != "value" or not bits[1:]:
            raise
    return _asked(replaying, pinned, artifacts, bits[1:])


def _rows(
    replaying: Replaying, feature: RequestFeature, artifacts: Sequence[Artifact], bits: int
) -> list[dict[str, Any]]:
    """Keys of entities that have values, those of several features side by side, and inputs by chance."""
    chance = random.Random(replaying.seed)  # noqa: S311 - a sample is no secret
    blank = dict.fromkeys(name for one in artifacts for name in one.meta.entity_keys)
    entities = [found for one in artifacts if (found := sample_of(replaying, one))]
    count = max(map(len, entities), default=0 if artifacts else replaying.sample)
    rows = []
    for number in range(count):
        keys = [some[number % len(some)] for some in entities]
        inputs = {name: _any(dtype, chance, bits) for name, dtype in feature.inputs.items()}
        rows.append({**blank, **{n: v for one in keys for n, v in one.items()}, **inputs})
    return rows


def _offline(
    replaying: Replaying, pinned: Requested, rows: Sequence[EntityRow], artifacts: Sequence[Artifact]
) -> list[dict[str, Any]]:
    types = {key: one.meta.schema.dtype(key) for one in artifacts for key in one.meta.entity_keys}
    columns = [*(types | pinned.feature.inputs).items(), (LABEL, "Datetime")]
    schema = Schema(tuple(Column(name, dtype) for name, dtype in columns))
    spine = replaying.engine.from_rows([{**row, LABEL: moment_of(replaying.at)} for row in rows], schema)
    wanted = Wanted.of(replaying.store, pinned, full_names=False)
    return rows_of(replaying.engine, joined(replaying.engine, spine, Timestamp(LABEL), wanted, schema.names))


def _differences(
    feature: RequestFeature, rows: Sequence[dict[str, Any]], online: OnlineFeatures, offline: Sequence[EntityRow]
) -> Iterator[ReplayDifference]:
    for row, got, wanted, status in zip(rows, online.values, offline, online.statuses, strict=True):
        for column in feature.columns:
            if not close(got[column], wanted[column]):
                yield ReplayDifference(row, column, got[column], wanted[column], _why(status[feature.name]))


def _why(status: ServedStatus) -> str:
    if status == "present":
        return "what it is computed of, or the way it is computed, is another online than in training"
    return f"a feature that it uses is {status} online"


def _any(dtype: str, chance: random.Random, bits: int) -> Any:
    """A value of a type, or null; an integer of so many bits."""
    if chance.random() < NULLS:
        return None
    match dtype:
        case "Int64":
            return chance.randrange(-(2**bits), 2**bits)
        case "Float64":
            return chance.choice([0.0, chance.uniform(-1e6, 1e6)])
        case "Boolean":
            return chance.choice([True, False])
        case "String":
            return "".join(chance.choices("aä Z9", k=chance.randrange(6)))
        case _:
            moment = moment_of(chance.randrange(0, MICROS["w"] * 52 * 60))
            return moment if dtype == "Datetime" else moment.date()
