"""How it is sent: the SDK's own providers and exporters, set up by its own environment variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from mlforge.errors import PluginFailed

if TYPE_CHECKING:
    from mlforge_opentelemetry.plugin import OpenTelemetryObserver

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
PROTOCOL = "http/protobuf"
DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}


def tracers(config: OpenTelemetryObserver) -> TracerProvider:
    """What spans are made by, and sent as the SDK has it: many at once, by a thread of its own."""
    provider = TracerProvider(resource=_resource(config.service), shutdown_on_exit=False)
    if _wanted("traces"):
        provider.add_span_processor(BatchSpanProcessor(_exporter(OTLPSpanExporter, config, "traces")))
    return provider


def meters(config: OpenTelemetryObserver) -> MeterProvider:
    """What metrics are made by, and sent as the SDK has it: from time to time, and at the end."""
    readers = []
    if _wanted("metrics"):
        # Each piece of work counts from nothing, which a running total would have to be told of.
        kinds = {} if os.environ.get(TEMPORALITY) else {"preferred_temporality": DELTA}
        readers = [PeriodicExportingMetricReader(_exporter(OTLPMetricExporter, config, "metrics", **kinds))]
    return MeterProvider(metric_readers=readers, resource=_resource(config.service), shutdown_on_exit=False)


def _wanted(signal: str) -> bool:
    return os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() != "none"


def _exporter(make: Callable[..., Any], config: OpenTelemetryObserver, signal: str, **more: Any) -> Any:
    """An exporter to the receiver that is named, or to that of the environment.

    Raises:
        PluginFailed: An address that is none, or a protocol that is not brought.
    """
    words = ("OTEL_EXPORTER_OTLP_PROTOCOL", f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
    for word in words:
        if (said := os.environ.get(word, PROTOCOL)) != PROTOCOL:
            raise PluginFailed(f"{word} is {said!r}: only {PROTOCOL} is spoken here.", hint=f"Unset {word}.")
    if config.endpoint is None:
        return make(timeout=config.timeout, **more)
    found = urlsplit(config.endpoint)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise PluginFailed(
            f"{found.hostname or found.path!r} is no collector.", hint='Such as "http://collector:4318".'
        )
    return make(endpoint=f"{config.endpoint.rstrip('/')}/v1/{signal}", timeout=config.timeout, **more)


def _resource(service: str) -> Resource:
    """What the environment says of this process, and a name for what has none."""
    found = Resource.create()
    named = str(found.attributes.get(SERVICE_NAME, "unknown_service"))
    return found.merge(Resource({SERVICE_NAME: service})) if named.startswith("unknown_service") else found
