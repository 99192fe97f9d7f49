"""What this plugin is: an observer, announced without importing the SDK."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Self

import msgspec

from mlforge.plugin import ObserverConfig, ObserverDescriptor, hookimpl


class OpenTelemetryObserver(ObserverConfig, frozen=True, kw_only=True, tag="opentelemetry"):
    """Sends builds, publishes and training sets to OpenTelemetry, as spans and metrics, over OTLP/HTTP.

    All else is set up as OpenTelemetry's own documentation says, by `OTEL_EXPORTER_OTLP_HEADERS`,
    `OTEL_RESOURCE_ATTRIBUTES` and so on. What an error says and what values a feature has is not sent.

    Args:
        endpoint: The receiver, such as a Collector: `http://collector:4318`. As `OTEL_EXPORTER_OTLP_ENDPOINT` and
            those of one signal say, if None.
        service: The name of the service, where neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` has one.
        parent: The span that all spans are children of, as W3C's `traceparent`. The one that is active where the work
            is asked for, or that of `TRACEPARENT`, if None.
        timeout: How many seconds the receiver may take to answer, and to be asked again, for each request. As
            `OTEL_EXPORTER_OTLP_TIMEOUT` says, if None: 10.
        patience: How many seconds a build waits at its end for what is not sent yet.

    Example:
        >>> mlf.OpenTelemetryObserver(endpoint="http://collector:4318")
        OpenTelemetryObserver(patience=5.0, endpoint='http://collector:4318', service='mlforge', parent=None, ...)
    """

    target: ClassVar[str] = "mlforge_opentelemetry.observer:LiveOpenTelemetry"

    endpoint: str | None = None
    service: str = "mlforge"
    parent: str | None = None
    timeout: float | None = None

    def here(self) -> Self:
        """The same, with the span that is active in this thread: OpenTelemetry knows it in no other one."""
        trace: Any = sys.modules.get("opentelemetry.trace")  # where it is not imported there is no span
        if trace is None or self.parent is not None:
            return self
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return self
        text = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        return msgspec.structs.replace(self, parent=text)


@hookimpl
def mlforge_observers() -> list[ObserverDescriptor]:
    """One observer."""
    summary = "Sends builds, publishes and training sets to OpenTelemetry, as spans and metrics"
    return [ObserverDescriptor(name="opentelemetry", summary=summary, api=1, config=OpenTelemetryObserver)]
