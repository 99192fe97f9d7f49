"""What a receiver of OTLP/HTTP is sent: by the SDK itself, over a socket, read with OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, time
from typing import Any

import polars as pl
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

import mlforge as mlf
from mlforge.errors import PluginFailed
from mlforge.plugin import BuildBegun, BuildEnded, Event
from mlforge.testing import PluginTests
from mlforge.validators import greater_than
from mlforge_opentelemetry.observer import LiveOpenTelemetry
from mlforge_opentelemetry.plugin import OpenTelemetryObserver

RUN = "2f5c1c1e-9a6a-4b0e-8f0e-3b6e2f9b7a11"
BEGUN = BuildBegun(run=RUN, at="2026-01-05T00:00:00.250000Z", project="shop", feature="f", source="s", path="p")
OUTER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class TestOpenTelemetryPlugin(PluginTests):
    entry_point = "opentelemetry"


class Receiver:
    """A small Collector on loopback: keeps what is posted, and answers with `status`; never, where that is 0."""

    def __init__(self) -> None:
        self.status, self.posts, self.released = 200, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.status:
                    receiver.released.wait(30)
                receiver.posts.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status or 200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def sent(self, path: str, message: Any) -> Iterator[Any]:
        for place, headers, body in self.posts:
            if place == path:
                text = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
                yield message.FromString(text)

    @property
    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """Each span, with what is said of where it comes from."""
        return [
            (_words(resource.resource.attributes), span)
            for sent in self.sent("/v1/traces", ExportTraceServiceRequest)
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for sent in self.sent("/v1/metrics", ExportMetricsServiceRequest)
            for resource in sent.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        metric = self.metrics[name]
        return [(_words(p.attributes), p) for p in getattr(metric, metric.WhichOneof("data")).data_points]

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _words(attributes: Any) -> dict[str, Any]:
    return {one.key.removeprefix("mlforge."): _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(v) for v in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of OpenTelemetry in the environment but what a test puts there."""
    for word in os.environ:
        if word.startswith("OTEL_") or word == "TRACEPARENT":
            monkeypatch.delenv(word)


@pytest.fixture
def shop(tmp_path: Any) -> mlf.Definitions:
    pl.DataFrame({
        "user": [1, 2], "amount": [7770777.5, -2.0], "at": [datetime(2026, 1, 5)] * 2, "secret": ["xyzzy", "plugh"]
    }).write_parquet(tmp_path / "hidden-place.parquet")  # fmt: skip
    source = mlf.Source("hidden-place.parquet", name="events")

    @mlf.feature(source=source, keys="user", timestamp="at", validators={"amount": greater_than(0, severity="warn")})
    def paid(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    @mlf.feature(source=source, keys="user", validators={"amount": greater_than(0)})
    def broken(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    return mlf.Definitions(
        "shop", features=[paid, broken], store="store", online_store="online.db", root=tmp_path,
        feature_sets=[mlf.FeatureSet("churn", ["paid"])],
    )  # fmt: skip


def looked_on(shop: mlf.Definitions, **settings: Any) -> mlf.Definitions:
    return mlf.Definitions(
        "shop", features=list(shop.features.values()), store="store", online_store="online.db", root=shop.root,
        observers=[mlf.OpenTelemetryObserver(patience=20, **settings)],
        feature_sets=[mlf.FeatureSet("churn", ["paid"])],
    )  # fmt: skip


LABELS = pl.DataFrame({"user": [1, 2], "t": [datetime(2026, 1, 6)] * 2})


def test_builds_publishes_and_training_sets_are_spans_with_how_they_ended(
    shop: mlf.Definitions, receiver: Receiver
) -> None:
    defs = looked_on(shop, endpoint=receiver.url)
    assert not defs.build(online=True).ok
    defs.get_training_data(LABELS, "churn")
    assert {path for path, _, _ in receiver.posts} == {"/v1/traces", "/v1/metrics"}
    spans = {span.name: (_words(span.attributes), span) for _, span in receiver.spans}
    assert {*spans} == {"build paid", "build broken", "publish paid", "training"}
    assert {resource["service.name"] for resource, _ in receiver.spans} == {"mlforge"}
    said, built = spans["build paid"]
    meta = defs.metadata("paid")
    assert said.pop("run") and said == {
        "project": "shop", "feature": "paid", "source": "events", "status": "built", "version": "1.0.0",
        "rows": meta.row_count, "bytes": meta.parts[0].bytes, "warnings": 1,
    }  # fmt: skip
    assert 0 < built.end_time_unix_nano - built.start_time_unix_nano < 60e9 and not built.parent_span_id
    said, failed = spans["build broken"]
    assert (said["status"], said["error.type"], failed.status.code, failed.status.message) == (
        "failed", "CheckFailed", 2, "CheckFailed",
    )  # fmt: skip
    said, _ = spans["publish paid"]
    assert (said["online_store"], said["status"], said["version"], said["entities"], said["removed"]) == (
        "sqlite", "published", "1.0.0", 2, 0,
    )  # fmt: skip
    said, _ = spans["training"]
    assert (said["features"], said["set"], said["rows"], said["status"]) == (["paid@1.0.0"], "churn", 2, "made")
    assert len({span.span_id for _, span in receiver.spans}) == 4


def test_what_ends_is_counted_and_timed_by_feature_and_by_how_it_ended(
    shop: mlf.Definitions, receiver: Receiver
) -> None:
    defs = looked_on(shop, endpoint=receiver.url)
    before = time()
    defs.build(online=True)
    runs = {said["feature"]: (said, point.as_int) for said, point in receiver.points("mlforge.build.runs")}
    assert runs == {
        "paid": ({"project": "shop", "feature": "paid", "status": "built"}, 1),
        "broken": ({"project": "shop", "feature": "broken", "status": "failed", "error.type": "CheckFailed"}, 1),
    }
    for said, point in receiver.points("mlforge.build.duration"):
        assert point.count == 1 and 0 < point.sum < 60 and "run" not in said
    ((_, rows),) = receiver.points("mlforge.feature.rows")
    ((_, size),) = receiver.points("mlforge.feature.size")
    meta = defs.metadata("paid")
    assert (rows.as_int, size.as_int) == (meta.row_count, meta.parts[0].bytes)
    ((_, at),) = receiver.points("mlforge.build.succeeded")
    assert before - 1 < at.as_double < before + 60
    assert [p.as_int for _, p in receiver.points("mlforge.build.warnings")] == [1]
    ((said, entities),) = receiver.points("mlforge.publish.entities")
    assert (said, entities.as_int) == ({"project": "shop", "feature": "paid", "online_store": "sqlite"}, 2)
    assert [p.as_int for _, p in receiver.points("mlforge.publish.removed")] == [0]
    assert [p.as_int for _, p in receiver.points("mlforge.publish.runs")] == [1]
    assert len(receiver.points("mlforge.publish.succeeded")) == 1
    defs.get_training_data(LABELS, "churn")
    ((said, trained),) = receiver.points("mlforge.training.rows")
    assert (said, trained.as_int) == ({"project": "shop", "set": "churn"}, 2)
    units = {name: metric.unit for name, metric in receiver.metrics.items()}
    assert units["mlforge.build.duration"] == "s" and units["mlforge.feature.size"] == "By"
    assert receiver.metrics["mlforge.build.runs"].sum.aggregation_temporality == (
        AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    )


def test_no_value_of_a_feature_no_path_and_no_credential_is_sent(
    shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2")
    defs = looked_on(shop, endpoint=receiver.url)
    defs.build(online=True)
    defs.get_training_data(LABELS, "churn")
    with pytest.raises(mlf.errors.MlforgeError):
        defs.get_training_data(LABELS, "broken")
    assert {headers["api-key"] for _, headers, _ in receiver.posts} == {"hunter2"}
    everything = str(receiver.spans) + str(receiver.metrics)
    assert "paid" in everything
    for word in ("hunter2", "7770777", "-2.0", "xyzzy", "plugh", "hidden-place", str(shop.root)):
        assert word not in everything


def test_the_environment_says_where_to_and_what_this_process_is(
    shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=nightly,team=risk")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative")
    looked_on(shop).build("paid")
    ((resource, _),) = receiver.spans
    assert (resource["service.name"], resource["team"]) == ("nightly", "risk")
    assert {headers["Content-Encoding"] for _, headers, _ in receiver.posts} == {"gzip"}
    assert receiver.metrics["mlforge.build.runs"].sum.aggregation_temporality == (
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )


@pytest.mark.parametrize(
    ("word", "value", "paths"),
    [
        ("OTEL_TRACES_EXPORTER", "none", {"/v1/metrics"}),
        ("OTEL_METRICS_EXPORTER", "none", {"/v1/traces"}),
        ("OTEL_TRACES_SAMPLER", "always_off", {"/v1/metrics"}),
        ("OTEL_SDK_DISABLED", "true", set()),
    ],
)
def test_the_environment_leaves_out_what_is_not_wanted(
    shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, word: str, value: str, paths: set[str]
) -> None:
    monkeypatch.setenv(word, value)
    assert looked_on(shop, endpoint=receiver.url).build("paid").ok
    assert {path for path, _, _ in receiver.posts} == paths


def test_a_profile_names_it(shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "default_profile: dev\nprofiles:\n  dev:\n    observers:\n"
        "      - {KIND: opentelemetry, endpoint: '${env:RECEIVER}', service: nightly}\n"
    )
    (shop.root / "mlforge.yaml").write_text(text)
    monkeypatch.setenv("RECEIVER", f"{receiver.url}/")
    assert shop.build("paid").ok
    assert [(resource["service.name"], span.name) for resource, span in receiver.spans] == [("nightly", "build paid")]


def test_a_span_is_a_child_of_the_one_that_is_active_where_the_work_is_asked_for(
    shop: mlf.Definitions, receiver: Receiver
) -> None:
    context = trace.SpanContext(
        0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=False, trace_flags=trace.TraceFlags(1)
    )
    with trace.use_span(trace.NonRecordingSpan(context)):
        looked_on(shop, endpoint=receiver.url).build("paid")
    ((_, span),) = receiver.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (OUTER.split("-")[1], OUTER.split("-")[2])


@pytest.mark.parametrize(("text", "parent"), [(OUTER, OUTER.split("-")[2]), ("no parent at all", "")])
def test_a_span_is_a_child_of_the_one_that_the_environment_names(
    shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, text: str, parent: str
) -> None:
    monkeypatch.setenv("TRACEPARENT", text)
    looked_on(shop, endpoint=receiver.url).build("paid")
    assert [span.parent_span_id.hex() for _, span in receiver.spans] == [parent]


@pytest.mark.parametrize(("status", "said"), [(403, "403"), (0, "timeout")])
def test_a_receiver_that_refuses_or_never_answers_hurts_no_build(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int, said: str
) -> None:
    receiver.status = status
    started = monotonic()
    assert looked_on(shop, endpoint=receiver.url, timeout=0.2).build("paid").ok
    assert shop.latest("paid") == "1.0.0" and monotonic() - started < 10
    warned = [r.getMessage() for r in caplog.records if r.name.startswith("opentelemetry.")]
    assert any(said in text for text in warned), warned


def test_a_receiver_that_hangs_is_waited_for_as_long_as_its_patience_is(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 0
    defs = mlf.Definitions(
        "shop", features=list(shop.features.values()), store="store", root=shop.root,
        observers=[mlf.OpenTelemetryObserver(endpoint=receiver.url, patience=0.1)],
    )  # fmt: skip
    started = monotonic()
    assert defs.build("paid").ok
    assert monotonic() - started < 5
    assert "The observer 'opentelemetry' was waited for 0.1 s" in caplog.text
    receiver.released.set()
    for thread in threading.enumerate():
        if thread.name == "mlforge-opentelemetry":
            thread.join(20)


def test_a_receiver_that_is_not_there_is_told_in_the_log(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.server.socket.close()
    assert looked_on(shop, endpoint=receiver.url, timeout=0.2).build("paid").ok
    assert any(r.name.startswith("opentelemetry.") for r in caplog.records)


def test_what_is_no_collector_is_refused_without_its_password(
    shop: mlf.Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    assert looked_on(shop, endpoint="ftp://ann:hunter2@collector").build("paid").ok
    said = (
        "The observer 'opentelemetry' cannot look on: 'collector' is no collector. Such as \"http://collector:4318\"."
    )
    assert said in caplog.text and "hunter2" not in caplog.text


@pytest.mark.parametrize("word", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"])
def test_a_protocol_that_is_not_spoken_is_refused(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv(word, "grpc")
    with pytest.raises(PluginFailed, match=f"{word} is 'grpc': only http/protobuf is spoken here") as refused:
        LiveOpenTelemetry(OpenTelemetryObserver()).__enter__()
    assert refused.value.hint == f"Unset {word}."
    assert not [t for t in threading.enumerate() if t.name.startswith("Otel")]


def test_an_event_of_a_later_mlforge_is_passed_over_and_an_end_without_a_beginning_is_counted(
    receiver: Receiver, shop: mlf.Definitions
) -> None:
    class Later(Event, frozen=True, kw_only=True):
        pass

    shop.build("paid")
    with LiveOpenTelemetry(OpenTelemetryObserver(endpoint=receiver.url)) as observer:
        observer.observe(Later(run=RUN, at=BEGUN.at))
        observer.observe(BuildEnded(
            run=RUN, at=BEGUN.at, feature="f", status="built", meta=shop.metadata("paid"), seconds=2.5
        ))  # fmt: skip
    assert not receiver.spans and [p.sum for _, p in receiver.points("mlforge.build.duration")] == [2.5]


def test_a_span_without_an_end_is_sent_when_the_observer_ends(receiver: Receiver) -> None:
    with LiveOpenTelemetry(OpenTelemetryObserver(endpoint=receiver.url)) as observer:
        observer.observe(BEGUN)
    ((_, span),) = receiver.spans
    assert span.start_time_unix_nano == 1_767_571_200_250_000_000 and span.name == "build f"
