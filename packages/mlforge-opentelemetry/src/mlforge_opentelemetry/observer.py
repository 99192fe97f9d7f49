"""The observer: a span for each piece of work, and figures when it has ended."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mlforge.plugin import (
    BuildBegun,
    BuildEnded,
    BuildFailed,
    Event,
    PublishBegun,
    PublishEnded,
    PublishFailed,
    TrainingBegun,
    TrainingEnded,
    TrainingFailed,
)
from mlforge_opentelemetry.__about__ import __version__
from mlforge_opentelemetry.figures import Figures, Said, moment
from mlforge_opentelemetry.sending import meters, tracers

if TYPE_CHECKING:
    from mlforge_opentelemetry.plugin import OpenTelemetryObserver

SCOPE = "mlforge"
Attributes = dict[str, str | int | list[str]]


class LiveOpenTelemetry:
    """Makes spans and figures of events, and has the SDK send them."""

    def __init__(self, config: OpenTelemetryObserver) -> None:
        self.config = config
        self._spans: dict[str, Span] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            tracing = tracers(self.config)
            opened.callback(tracing.shutdown)
            metering = meters(self.config)
            opened.callback(metering.shutdown)
            self._tracer = tracing.get_tracer(SCOPE, __version__)
            self._figures = Figures(metering.get_meter(SCOPE, __version__))
            self._parent = _parent(self.config.parent)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        for span in self._spans.values():
            span.end()
        self._opened.close()

    def observe(self, event: Event) -> None:
        """Begin or end a span; an event that is not known here is passed over."""
        match event:
            case BuildBegun():
                self._begin(f"build {event.feature}", event, {**_of(event), "mlforge.source": event.source})
            case PublishBegun():
                self._begin(f"publish {event.feature}", event, {**_of(event), **_version(event.version)})
            case TrainingBegun():
                self._begin("training", event, {**_of(event), "mlforge.features": list(event.features)})
            case BuildEnded():
                self._end(event, _built(event))
                self._figures.built(event, _of(event))
            case PublishEnded():
                self._end(event, _published(event))
                self._figures.published(event, _of(event))
            case TrainingEnded():
                self._end(event, _trained(event))
                self._figures.trained(event, _of(event))
            case BuildFailed() | PublishFailed() | TrainingFailed():
                self._fail(event)
            case _:
                return

    def _begin(self, name: str, event: Event, attributes: Attributes) -> None:
        said = {**attributes, "mlforge.run": event.run}
        self._spans[event.run] = self._tracer.start_span(name, self._parent, attributes=said, start_time=moment(event))

    def _end(self, event: Event, attributes: Attributes) -> None:
        if span := self._spans.pop(event.run, None):
            span.set_attributes(attributes)
            span.end(moment(event))

    def _fail(self, event: BuildFailed | PublishFailed | TrainingFailed) -> None:
        """End a span as failed. What the error says stays here: it may quote a value."""
        work = {BuildFailed: "build", PublishFailed: "publish", TrainingFailed: "training"}[type(event)]
        self._figures.failed(work, event, _of(event))
        if span := self._spans.get(event.run):
            span.set_status(StatusCode.ERROR, event.error)
        self._end(event, {"mlforge.status": "failed", "error.type": event.error})


def _of(event: Event) -> Said:
    """What a piece of work is about, which is few enough to count by."""
    said = {"mlforge.project": event.project}
    if isinstance(event, BuildBegun | BuildEnded | BuildFailed | PublishBegun | PublishEnded | PublishFailed):
        said["mlforge.feature"] = event.feature
    if isinstance(event, PublishBegun | PublishEnded | PublishFailed):
        said["mlforge.online_store"] = event.online_store
    if isinstance(event, TrainingEnded) and event.name:
        said["mlforge.set"] = event.name
    return said


def _built(event: BuildEnded) -> Attributes:
    size = sum(part.bytes for part in event.meta.parts)
    figures = {"mlforge.rows": event.meta.row_count, "mlforge.bytes": size, "mlforge.warnings": len(event.warnings)}
    return {"mlforge.status": event.status, **_version(event.meta.version), **figures}


def _published(event: PublishEnded) -> Attributes:
    figures = {"mlforge.entities": event.entities, "mlforge.removed": event.removed}
    return {"mlforge.status": event.status, **_version(event.version), **figures}


def _trained(event: TrainingEnded) -> Attributes:
    used = [*(one.text for one in event.versions), *event.computed]
    rows = {} if event.rows is None else {"mlforge.rows": event.rows}
    return {**_of(event), "mlforge.status": "made", "mlforge.features": used, **rows}


def _version(number: str | None) -> Attributes:
    return {"mlforge.version": number} if number else {}


def _parent(text: str | None) -> Context:
    """The context of the span that is named, or of the environment's; none of a text that is no `traceparent`."""
    carrier = {"traceparent": text or os.environ.get("TRACEPARENT", "")}
    return TraceContextTextMapPropagator().extract(carrier, Context())
