"""The bench an engine is tested on: the engine, the reference beside it, and a folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlforge.model.aggregation import AGGREGATIONS, part_of
from mlforge.model.feature import Shape
from mlforge.model.meta import Artifact, FeatureMeta, Part, Recipe, Target
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.plugin import ArrowStream, Engine, EngineConfig, EngineDescriptor, Join
from mlforge.testing.arrow import Export
from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine, Table
from mlforge.testing.reference import windows as rules
from mlforge.testing.reference.engine import Reference
from mlforge.testing.strategies import Case
from mlforge.testing.strategies.plans import is_near

_numbers = itertools.count()
ROLES: tuple[Literal["rows", "gone"], ...] = ("rows", "gone")


class Bench:
    """An open engine and what tests need to compare it with the reference.

    Args:
        engine: The live engine.
        descriptor: What it announces.
        folder: Where it writes.
        others: Opens the engines that must read what it wrote.
    """

    def __init__(
        self,
        engine: Engine,
        descriptor: EngineDescriptor,
        folder: Path,
        others: Callable[[], Sequence[EngineConfig]] = tuple,
    ) -> None:
        self.engine, self.descriptor, self.folder, self.others = engine, descriptor, folder, others
        self.reference = Reference(ReferenceEngine())
        self.cases = 0
        self.shrink = True

    @property
    def functions(self) -> frozenset[str]:
        """The aggregations that the engine announces the parts of."""
        return frozenset(f for f in AGGREGATIONS if part_of(f) in self.descriptor.aggregations)

    @property
    def format(self) -> str:
        """The format it writes: Parquet where it can."""
        writes = self.descriptor.writes
        return "parquet" if "parquet" in writes else min(writes)

    def frame(self, table: Table) -> Any:
        """The table as a frame of the engine."""
        return self.engine.from_rows(table.rows, table.schema)

    def arrow_frame(self, table: Table, formats: Mapping[str, str] | None = None) -> Any:
        """The table as a frame of the engine, its columns of some Arrow type."""
        return self.engine.from_arrow(ArrowStream(Export(table.schema, table.rows, formats)))

    def table(self, frame: Any) -> Table:
        """A frame of the engine as a table."""
        rows = [row for batch in self.engine.rows(frame) for row in batch]
        return Table(self.engine.schema(frame), rows)

    def target(self) -> Target:
        """A fresh address in the folder."""
        path = self.folder / f"part-{next(_numbers)}.{self.format}"
        return Target("feature", str(path), self.format)

    def artifact(self, *frames: Any, shape: Shape, name: str = "feature") -> Artifact:
        """The frames, written by the engine as the parts of one version."""
        targets = [self.target() for _ in frames]
        rows = sum(self.engine.write(f, t).rows for f, t in zip(frames, targets, strict=True))
        schema = self.engine.schema(frames[0])
        return Artifact(meta_of(name, schema, shape, rows, self.format), tuple(t.uri for t in targets))

    def stored(self, *tables: Table, shape: Shape, name: str = "feature") -> Artifact:
        """The tables, written by the engine as the parts of one version."""
        return self.artifact(*map(self.frame, tables), shape=shape, name=name)

    def layered(self, layers: Sequence[tuple[Table, Table | None]], shape: Shape) -> Artifact:
        """A version of several layers: of each the rows, and the keys and stamps of those that went."""
        written = [
            (f"1.0.{number}", role, table)
            for number, layer in enumerate(layers)
            for role, table in zip(ROLES, layer, strict=True)
            if table is not None
        ]
        found = [self.stored(table, shape=shape) for _, _, table in written]
        parts = tuple(Part(f"{version}/{role}", len(table.rows), 0, "", role) for version, role, table in written)
        meta = msgspec.structs.replace(found[0].meta, parts=parts)
        return Artifact(meta, tuple(a.uris[0] for a in found))

    def aggregate(self, case: Case) -> Table:
        return self.table(self.engine.aggregate(self.frame(case.events), case.shape, case.plan))

    def built(self, events: Table, shape: Shape, plan: WindowPlan) -> Artifact:
        """The feature of some events: aggregated and written."""
        return self.artifact(self.engine.aggregate(self.frame(events), shape, plan), shape=shape)

    def answer(self, case: Case, artifact: Artifact, max_age: int | None = None) -> Table:
        """The case's spine, joined with a feature."""
        join = Join(artifact, columns_of(artifact), max_age)
        return self.table(self.engine.asof(self.frame(case.spine), case.label, [join]))

    def asof(self, case: Case, events: Table | None = None) -> Table:
        """The case's spine, joined with the feature of the case's events, or of others."""
        return self.answer(case, self.built(events or case.events, case.shape, case.plan))


def reference_bench(folder: Path) -> Bench:
    """The reference on a bench of its own."""
    return Bench(Reference(), DESCRIPTOR, folder)


def columns_of(artifact: Artifact) -> dict[str, str]:
    """The value columns of an artifact under their own names."""
    return {n: n for n in artifact.meta.value_columns}


def near_columns(case: Case) -> set[str]:
    """The case's output columns that are compared within the tolerance."""
    dtypes = rules.output_dtypes(case.plan, case.events)
    return {c.name for c in case.plan.columns if is_near(c, dtypes)}


def meta_of(name: str, schema: Schema, shape: Shape, rows: int, form: str) -> FeatureMeta:
    """The metadata of a version, as far as engines look at it."""
    now = "2024-03-01T00:00:00Z"
    return FeatureMeta(
        name=name,
        version="1.0.0",
        created_at=now,
        updated_at=now,
        row_count=rows,
        entity_keys=shape.key_names,
        timestamp=shape.stamp,
        interval=None,
        columns=schema.columns,
        schema_hash=schema.hash,
        config_hash="",
        config=Recipe(keys=shape.keys, timestamp=shape.stamp),
        format=form,
    )
