"""What is asked of a training set: which versions are joined, what is computed of them, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, RequestPin, pin_of
from mlforge.flow.requests import Composition, compose
from mlforge.flow.specs import asked_of, filled, name_of
from mlforge.flow.versions.choose import Chosen, choose
from mlforge.flow.versions.find import artifact
from mlforge.flow.versions.locks import changed_content
from mlforge.model.duration import Duration
from mlforge.model.expr import At, Col, Expr, Lit
from mlforge.model.feature import FeatureSpec
from mlforge.model.meta import Artifact, FeatureMeta
from mlforge.model.request import takes
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import refuse_brought_twice
from mlforge.plugin.engine.frames import Join
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.intact import verify
from mlforge.plugin.stores import Store


class Composed(NamedTuple):
    """A request feature over the versions that it uses."""

    composition: Composition
    artifacts: tuple[Artifact, ...]

    @property
    def joins(self) -> list[Join]:
        pairs = zip(self.artifacts, self.composition.uses, strict=True)
        return [Join(one, use.stored, _max_age(one.meta)) for one, use in pairs]


class Wanted(NamedTuple):
    """Versions with their columns, and request features."""

    chosen: list[Chosen]
    composed: list[Composed]

    @classmethod
    def of(cls, store: Store, features: Any, *, full_names: bool, lock: Lock | None = None) -> Wanted:
        """What features name in a store, at the versions of a lock where there is one.

        Raises:
            NotFound: What was not built.
            Invalid: What the lock does not have, or has with other rows.
        """
        asked = asked_of(features, lock)
        chosen = choose(store, [spec for spec, _ in asked.pairs], full_names=full_names)
        place, composed = len(chosen), []
        for one in asked.requests:
            found: dict[str, Artifact] = {}

            def find(spec: FeatureSpec, found: dict[str, Artifact] = found) -> FeatureMeta:
                return found.setdefault(spec.name, artifact(store, spec.name, spec.version)).meta

            made = compose(one, find, place, full_names=full_names)
            composed.append(Composed(made, tuple(found[use.meta.name] for use in made.uses)))
            place += len(one.feature.uses)
        whole = cls(chosen, composed)
        pins = {(pin.name, pin.version): pin for pin in (lock.pins if lock else ())}
        for version in whole.artifacts:
            pin = pins.get((version.meta.name, version.meta.version))
            if pin is not None and version.meta.content_hash != pin.content_hash:
                raise changed_content(pin)
        return whole

    def lock(self, full_names: bool, name: str | None) -> Lock:
        """What pins the versions, those that are read for request features too, and the definitions of these."""
        pins = [pin_of(c.artifact.meta, c.columns) for c in self.chosen]
        compositions = [c.composition for c in self.composed]
        pins += [pin_of(use.meta, use.stored, answered=False) for made in compositions for use in made.uses]
        versions = [{use.meta.name: use.meta.version for use in made.uses} for made in compositions]
        requests = [
            RequestPin.of(made.feature, used, made.chosen) for made, used in zip(compositions, versions, strict=True)
        ]
        return Lock(tuple(pins), full_names, name, tuple(requests))

    def at(self, place: Callable[[Artifact], Artifact]) -> Wanted:
        """The same, of versions that are brought to another place."""
        chosen = [c._replace(artifact=place(c.artifact)) for c in self.chosen]
        return Wanted(chosen, [c._replace(artifacts=tuple(map(place, c.artifacts))) for c in self.composed])

    @property
    def artifacts(self) -> list[Artifact]:
        """The versions, those that are read for request features last."""
        return [*(c.artifact for c in self.chosen), *(a for c in self.composed for a in c.artifacts)]

    @property
    def joins(self) -> list[Join]:
        return [*(c.join for c in self.chosen), *(join for c in self.composed for join in c.joins)]

    @property
    def brought(self) -> list[tuple[str, list[str]]]:
        """The features and the columns that they bring, in the order of the answer."""
        stored = [(c.artifact.meta.name, list(c.columns.values())) for c in self.chosen]
        return [*stored, *((c.composition.feature.name, list(c.composition.columns)) for c in self.composed)]

    @property
    def inputs(self) -> list[tuple[str, str, str]]:
        """The inputs: of which feature, their names and their types."""
        features = [c.composition.feature for c in self.composed]
        return [(f.name, name, dtype) for f in features for name, dtype in f.inputs.items()]

    @property
    def asks(self) -> bool:
        """Whether a column reads the instant that is asked about."""
        exprs = [expr for c in self.chosen for expr in c.reading.derived.values()]
        return any(c.composition.reads_at for c in self.composed) or any(
            isinstance(node, At) for expr in exprs for node in expr.walk()
        )

    def derived(self, given: Mapping[str, str]) -> dict[str, Expr]:
        """What is computed of the joined rows, the inputs being columns of the types `given`.

        Raises:
            Invalid: An input of another type than the feature takes.
        """
        made = {name: expr for c in self.chosen for name, expr in c.reading.derived.items()}
        for one in self.composed:
            feature = one.composition.feature
            inputs = {name: _as_input(feature.name, name, given[name], word) for name, word in feature.inputs.items()}
            made |= {name: filled(expr, inputs) for name, expr in one.composition.columns.items()}
        return made


def joined(engine: Engine, frame: Any, label: Timestamp | None, wanted: Wanted, kept: Sequence[str]) -> Any:
    """The `kept` columns of a frame with what is joined to it, and what is computed of both."""
    derived = wanted.derived(_given(engine, frame, wanted))
    found = engine.asof(frame, label, wanted.joins)
    if not derived:
        return found
    brought = [name for _, names in wanted.brought for name in names]
    return engine.select(engine.derive(found, derived, label), [*kept, *brought])


def _given(engine: Engine, frame: Any, wanted: Wanted) -> dict[str, str]:
    """The inputs with the types that they have in a frame."""
    found = {}
    for feature, name, dtype in wanted.inputs:
        try:
            found[name] = engine.schema(engine.select(frame, [name])).dtype(name)
        except Invalid as error:
            raise Invalid(
                f"{feature!r} takes the input {name!r} as {dtype}, and the spine's column is of no such type.",
                hint=f"Cast {name!r} to {dtype} in the spine.",
            ) from error
    return found


def lock(store: Store, features: Any, full_names: bool) -> Lock:
    """The versions of some features that the store has now.

    Raises:
        NotFound: One that was not built.
        Invalid: Two columns of one name, or damaged data.
    """
    wanted = Wanted.of(store, features, full_names=full_names)
    refuse_brought_twice((), wanted.brought)
    for one in wanted.artifacts:
        verify(store, one, relied=True)
    return wanted.lock(full_names, name_of(features))


def _max_age(meta: FeatureMeta) -> int | None:
    return Duration.parse(meta.max_age).micros if meta.max_age else None


def _as_input(feature: str, name: str, given: str, wanted: str) -> Expr:
    """A column of the spine as an input. Whole numbers of any width are given for integers, and must fit 64 bits."""
    if not takes(wanted, given):
        raise Invalid(
            f"{feature!r} takes the input {name!r} as {wanted}, and the spine has it as {given}.",
            hint=f"Cast {name!r} to {wanted} in the spine.",
        )
    if given == wanted:
        return Col(name)
    return Col(name).cast("Float64") if wanted == "Float64" else Col(name) + Lit(0)
