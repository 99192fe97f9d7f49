"""What a receiver of OpenLineage is sent: by the library's own client, over a socket, in the library's own words."""

from __future__ import annotations

import importlib
import json
import logging
import pkgutil
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

import attr
import polars as pl
import pytest
from openlineage.client import event_v2, generated

import mlforge as mlf
from mlforge.errors import PluginFailed
from mlforge.plugin import BuildBegun, Event
from mlforge.testing import PluginTests
from mlforge_openlineage.observer import LiveOpenLineage
from mlforge_openlineage.plugin import OpenLineageObserver


class TestOpenLineagePlugin(PluginTests):
    entry_point = "openlineage"


class Receiver:
    """A small receiver on loopback: keeps what is posted, and answers with `status`; never, where that is 0."""

    def __init__(self) -> None:
        self.status, self.posts, self.released = 201, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.status:
                    receiver.released.wait(30)
                receiver.posts.append((self.path, self.headers.get("Authorization"), json.loads(body)))
                self.send_response(receiver.status or 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [body for _, _, body in self.posts]

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def shop(tmp_path: Any) -> mlf.Definitions:
    pl.DataFrame({
        "user": [1, 2], "kind": ["a", "b"], "amount": [1.0, 2.0], "at": [datetime(2026, 1, 5)] * 2
    }).write_parquet(tmp_path / "events.parquet")  # fmt: skip

    @mlf.feature(
        source="events.parquet", keys="user", timestamp="at", tags="daily", owner="ann", description="What is spent.",
        metrics=[
            mlf.Sum("amount", windows="7d", where=mlf.col("kind").eq("a"), name="spend"),
            mlf.Sum("twice", windows="7d", name="twice"),
        ],
    )  # fmt: skip
    def spend(df: pl.LazyFrame) -> pl.LazyFrame:
        return df.with_columns(twice=pl.col("amount") * 2)

    @mlf.feature(source="nowhere.parquet", keys="user")
    def missing(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    return mlf.Definitions("shop", features=[spend, missing], store="store", online_store="online.db", root=tmp_path)


def looked_on(shop: mlf.Definitions, **settings: Any) -> mlf.Definitions:
    return mlf.Definitions(
        "shop", features=list(shop.features.values()), store="store", online_store="online.db", root=shop.root,
        observers=[mlf.OpenLineageObserver(**settings)],
    )  # fmt: skip


FACETS = {
    kind.__name__: kind
    for module in pkgutil.iter_modules(generated.__path__, f"{generated.__name__}.")
    for kind in vars(importlib.import_module(module.name)).values()
    if isinstance(kind, type) and attr.has(kind)
}


def checked(event: dict[str, Any]) -> None:
    """Hold an event against the library's own classes: every facet by the schema that it names."""
    datasets = [*event["inputs"], *event["outputs"]]
    named = [event["run"]["facets"], event["job"]["facets"], *(d["facets"] for d in datasets)]
    named += [d.get("outputFacets", {}) for d in datasets]
    for facet in (facet for facets in named for facet in facets.values()):
        kind = FACETS[facet["_schemaURL"].rpartition("/")[2]]
        known = {field.name: field for field in attr.fields(kind)}
        assert {*facet} <= {*known}, facet
        needed = {name for name, field in known.items() if field.default is attr.NOTHING}
        assert needed <= {*facet}
        assert facet["_producer"].startswith("https://pypi.org/project/mlforge-openlineage/")
    event_v2.RunEvent(
        eventTime=event["eventTime"], producer=event["producer"], run=event_v2.Run(runId=event["run"]["runId"]),
        job=event_v2.Job(**{word: event["job"][word] for word in ("namespace", "name")}),
        eventType=event_v2.RunState(event["eventType"]),
    )  # fmt: skip


def test_a_build_a_publish_and_a_training_set_are_sent_with_the_lineage_of_their_columns(
    shop: mlf.Definitions, receiver: Receiver
) -> None:
    defs = looked_on(shop, url=receiver.url, api_key="hunter2", namespace="house")
    defs.build("spend", online=True).raise_for_failure()
    defs.get_training_data(pl.DataFrame({"user": [1], "t": [datetime(2026, 1, 6)]}), "spend")
    assert not defs.build("missing").ok
    for event in receiver.events:
        checked(event)
    assert {(path, key) for path, key, _ in receiver.posts} == {("/api/v1/lineage", "Bearer hunter2")}
    assert [(e["job"]["name"], e["eventType"]) for e in receiver.events] == [
        ("shop.spend", "START"), ("shop.spend", "COMPLETE"), ("shop.spend.publish", "START"),
        ("shop.spend.publish", "COMPLETE"), ("shop.training", "START"), ("shop.training", "COMPLETE"),
        ("shop.missing", "START"), ("shop.missing", "FAIL"),
    ]  # fmt: skip
    assert {e["job"]["namespace"] for e in receiver.events} == {"house"}
    runs = [e["run"]["runId"] for e in receiver.events]
    assert runs[0::2] == runs[1::2] and len({*runs}) == 4
    start, built, _, published, _, trained, _, failed = receiver.events
    assert [(d["namespace"], d["name"]) for d in start["inputs"]] == [("file", "events.parquet")]
    (read,), (written,) = built["inputs"], built["outputs"]
    assert {f["name"] for f in read["facets"]["schema"]["fields"]} == {"user", "at", "amount", "kind"}
    facets = written["facets"]
    assert (written["name"], facets["version"]["datasetVersion"]) == ("shop.spend", "1.0.0")
    assert [(f["name"], f["type"]) for f in facets["schema"]["fields"]][2:] == [
        ("spend_7d", "Float64"), ("twice_7d", "Float64"),
    ]  # fmt: skip
    assert facets["documentation"]["description"] == "What is spent."
    assert facets["ownership"]["owners"][0]["name"] == "ann" and facets["tags"]["tags"][0]["key"] == "daily"
    assert facets["dataQualityMetrics"]["columnMetrics"]["spend_7d"]["nullCount"] >= 0
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == defs.metadata("spend").row_count
    lineage = facets["columnLineage"]
    told = [
        (i["namespace"], i["name"], i["field"], i["transformations"][0]["type"], i["transformations"][0]["subtype"])
        for i in lineage["fields"]["spend_7d"]["inputFields"]
    ]
    assert told == [
        ("file", "events.parquet", "amount", "DIRECT", "AGGREGATION"),
        ("file", "events.parquet", "kind", "INDIRECT", "FILTER"),
    ]  # fmt: skip
    assert lineage["fields"]["twice_7d"]["inputFields"] == []
    assert "spend() makes twice: of what is not told" in lineage["fields"]["twice_7d"]["transformationDescription"]
    assert [(i["field"], i["transformations"][0]["subtype"]) for i in lineage["dataset"]] == [
        ("user", "GROUP_BY"), ("at", "WINDOW"),
    ]  # fmt: skip
    assert published["outputs"][0]["name"] == "shop.spend.sqlite"
    assert published["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert trained["inputs"][0]["facets"]["version"]["datasetVersion"] == "1.0.0"
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("NotFound: ")


def test_what_has_not_changed_writes_nothing(shop: mlf.Definitions, receiver: Receiver) -> None:
    shop.build("spend")
    looked_on(shop, url=receiver.url).build("spend")
    assert [(e["eventType"], e["outputs"]) for e in receiver.events] == [("START", []), ("COMPLETE", [])]


def test_a_profile_names_it(shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "default_profile: dev\nprofiles:\n  dev:\n    observers: [{KIND: openlineage, url: '${env:RECEIVER}'}]\n"
    (shop.root / "mlforge.yaml").write_text(text)
    monkeypatch.setenv("RECEIVER", receiver.url)
    assert shop.build("spend").ok
    assert [e["eventType"] for e in receiver.events] == ["START", "COMPLETE"]


def test_the_client_is_set_up_as_its_own_documentation_says_where_no_receiver_is_named(
    shop: mlf.Definitions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
    assert looked_on(shop).build("spend").ok
    assert len(receiver.events) == 2


@pytest.mark.parametrize(("status", "said"), [(403, "403"), (0, "timed out")])
def test_a_receiver_that_refuses_or_never_answers_hurts_no_build(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int, said: str
) -> None:
    receiver.status = status
    started = monotonic()
    report = looked_on(shop, url=receiver.url, timeout=0.1, patience=10).build("spend")
    assert report.ok and shop.latest("spend") == "1.0.0" and monotonic() - started < 15
    warnings = [
        r.getMessage() for r in caplog.records if r.name == "mlforge.observers" and r.levelno == logging.WARNING
    ]
    assert "The observer 'openlineage' failed at BuildBegun" in warnings[0] and said in warnings[0]
    assert warnings[1] == "The observer 'openlineage' failed at 1 event more."


def test_a_password_in_the_address_of_a_receiver_is_told_nowhere(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status, url = 500, receiver.url.replace("://", "://me:hunter2@")
    with caplog.at_level("DEBUG"):
        assert looked_on(shop, url=url, patience=10).build("spend").ok
    assert len(receiver.posts) == 2 and "500" in caplog.text
    ours = [record for record in caplog.records if record.name.startswith("mlforge")]
    told = "".join(map(logging.Formatter().format, ours))
    assert "hunter2" not in told + repr(OpenLineageObserver(url=url))


def test_a_receiver_that_is_not_there_or_is_none_is_a_warning(
    shop: mlf.Definitions, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.server.socket.close()
    assert looked_on(shop, url=receiver.url, patience=10).build("spend").ok
    assert "failed at BuildBegun" in caplog.text
    with pytest.raises(PluginFailed, match="is no receiver"), LiveOpenLineage(OpenLineageObserver(url="marquez")):
        pass


def test_an_event_of_a_later_mlforge_is_passed_over(receiver: Receiver) -> None:
    class Later(Event, frozen=True, kw_only=True):
        pass

    with LiveOpenLineage(OpenLineageObserver(url=receiver.url)) as observer:
        observer.observe(Later(run="2f5c1c1e-9a6a-4b0e-8f0e-3b6e2f9b7a11", at="2026-01-05T00:00:00Z"))
        observer.observe(BuildBegun(
            run="2f5c1c1e-9a6a-4b0e-8f0e-3b6e2f9b7a11", at="2026-01-05T00:00:00Z", feature="f", source="s", path="p"
        ))  # fmt: skip
    assert [(e["job"]["name"], e["eventType"]) for e in receiver.events] == [("f", "START")]
