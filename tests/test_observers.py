"""Observers are told what happens, and whatever they do, what they look on at is as it would be without them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, NotFound, NotInstalled, Unknown
from mlforge.flow import observing
from mlforge.plugin import (
    BuildBegun,
    BuildEnded,
    BuildFailed,
    Event,
    ObserverConfig,
    PublishBegun,
    PublishEnded,
    PublishFailed,
    TrainingBegun,
    TrainingEnded,
    TrainingFailed,
    attend,
    leave,
)
from mlforge.plugin import events as all_events
from mlforge.plugin import registry as plugin_registry
from mlforge.plugin.registry import Plugin, Registry
from mlforge.validators import greater_than

LABELS = pl.DataFrame({"user": [1, 2], "label_time": [datetime(2026, 2, 1)] * 2})
SEEN: list[tuple[str, Event]] = []
HANGING = threading.Event()


class Looking:
    """A live observer that does what its config says."""

    def __init__(self, config: Watching) -> None:
        self.config = config

    def __enter__(self) -> Self:
        if self.config.way == "does not open":
            raise OSError("the other side is away")
        return self

    def __exit__(self, *error: object) -> None:
        if self.config.way == "does not close":
            raise OSError("the other side is gone")

    def observe(self, event: Event) -> None:
        SEEN.append((threading.current_thread().name, event))
        if self.config.way == "raises":
            raise ValueError("an observer's own trouble")
        if self.config.way == "hangs":
            HANGING.wait(30)


class Watching(ObserverConfig, frozen=True, kw_only=True, tag="watching"):
    way: str = "notes"

    def here(self) -> Watching:
        if self.way == "knows nothing here":
            raise RuntimeError("there is no run")
        if self.way == "dawdles here":
            HANGING.wait(30)
        return self

    def open(self) -> Any:
        return Looking(self)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[..., mlf.Definitions]]:
    """A project of two features, one of which breaks a promise, by what looks on."""
    SEEN.clear()
    HANGING.clear()
    pl.DataFrame({"user": [1, 2], "amount": [1.0, -2.0], "at": [datetime(2026, 1, 5)] * 2}).write_parquet(
        tmp_path / "events.parquet"
    )

    @mlf.feature(source="events.parquet", keys="user", timestamp="at")
    def paid(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    @mlf.feature(source="events.parquet", keys="user", validators={"amount": greater_than(0)})
    def broken(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    def make(*observers: ObserverConfig) -> mlf.Definitions:
        return mlf.Definitions(
            "shop", features=[paid, broken], store="store", online_store="online.db", root=tmp_path,
            observers=list(observers), feature_sets=[mlf.FeatureSet("churn", ["paid"])],
        )  # fmt: skip

    yield make
    HANGING.set()


def told() -> list[Event]:
    return [event for _, event in SEEN]


def test_a_build_a_publish_and_a_retrieval_are_told_from_begin_to_end(project: Any) -> None:
    defs = project(Watching())
    assert not defs.build().ok
    defs.publish("paid").raise_for_failure()
    assert not defs.publish("broken").ok
    _, lock = defs.get_training_data(LABELS, "churn", with_lock=True)
    with pytest.raises(NotFound):
        defs.get_training_data(LABELS, "broken")
    kinds = [type(event) for event in told()]
    assert kinds == [
        BuildBegun, BuildEnded, BuildBegun, BuildFailed, PublishBegun, PublishEnded, PublishBegun, PublishFailed,
        TrainingBegun, TrainingEnded, TrainingBegun, TrainingFailed,
    ]  # fmt: skip
    begun, ended = told()[0::2], told()[1::2]
    assert [event.run for event in begun] == [event.run for event in ended]
    assert len({event.run for event in begun}) == len(begun)
    assert {event.project for event in told()} == {"shop"}
    assert all(datetime.fromisoformat(event.at).tzinfo for event in told())
    built, failed, published, _, trained, missing = ended
    assert isinstance(built, BuildEnded) and (built.status, built.meta.version) == ("built", "1.0.0")
    assert built.meta == defs.metadata("paid") and built.seconds > 0
    assert isinstance(failed, BuildFailed) and (failed.error, failed.feature) == ("CheckFailed", "broken")
    assert "greater_than(0)" in failed.message
    assert isinstance(published, PublishEnded)
    assert (published.version, published.entities, published.online_store) == ("1.0.0", 2, "sqlite")
    assert isinstance(trained, TrainingEnded)
    assert ([v.text for v in trained.versions], trained.name, trained.rows) == (["paid@1.0.0"], "churn", 2)
    assert mlf.Lock.decode(trained.lock.encode()) == lock
    assert isinstance(missing, TrainingFailed) and missing.features == ("broken",)
    assert threading.current_thread().name not in {thread for thread, _ in SEEN}


def test_what_has_not_changed_is_told_and_a_dry_run_is_not(project: Any) -> None:
    project().build("paid")
    defs = project(Watching())
    defs.build("paid")
    defs.build("paid", dry_run=True, force=True)
    assert [getattr(event, "status", "") for event in told()] == ["", "unchanged"]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("raises", "failed at BuildBegun: ValueError: an observer's own trouble"),
        ("does not open", "cannot look on: OSError: the other side is away"),
        ("does not close", "cannot look on: OSError: the other side is gone"),
        ("knows nothing here", "cannot look on: RuntimeError: there is no run"),
    ],
)
def test_one_that_raises_is_a_warning(project: Any, caplog: pytest.LogCaptureFixture, way: str, said: str) -> None:
    defs = project(Watching(way=way))
    report = defs.build("paid")
    assert report.ok and defs.latest("paid") == "1.0.0"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings[0] == f"The observer 'watching' {said}"
    assert len(told()) == (2 if way in ("raises", "does not close") else 0)
    assert warnings[1:] == (["The observer 'watching' failed at 1 event more."] if way == "raises" else [])


def test_one_that_hangs_is_waited_for_as_long_as_its_patience_is(
    project: Any, caplog: pytest.LogCaptureFixture
) -> None:
    defs = project(Watching(way="hangs", patience=0.2))
    started = monotonic()
    assert defs.build("paid").ok
    assert monotonic() - started < 10
    assert "was waited for 0.2 s" in caplog.text


def test_a_hook_of_a_plugin_that_hangs_is_waited_for_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = type("hanging", (), {})()
    hook = plugin_registry.hookspecs.hookimpl(lambda result: HANGING.wait(30))
    module.mlforge_feature_built = hook
    HANGING.clear()
    monkeypatch.setattr(plugin_registry, "PATIENCE", 0.1)
    plugin = plugin_registry.load_plugin(module, Plugin("hanging", "mlforge-hanging", "1"))
    Registry([plugin]).tell("mlforge_feature_built", result="r")
    HANGING.set()
    assert "mlforge_feature_built of mlforge-hanging takes longer than 0.1 s" in caplog.text


def test_one_that_attends_looks_on_at_all_that_the_process_does(project: Any) -> None:
    defs = project()
    attend(Watching())
    try:
        defs.build("paid")
        mlf.get_training_data(LABELS, "paid", store=mlf.LocalStore(str(defs.root / "store")))
    finally:
        assert leave("watching")
    defs.build("paid", force=True)
    assert [type(event) for event in told()] == [BuildBegun, BuildEnded, TrainingBegun, TrainingEnded]
    assert told()[-1].project == ""


def test_every_event_is_one_that_plugins_can_name() -> None:
    kinds = {name for name, kind in vars(all_events).items() if isinstance(kind, type) and issubclass(kind, Event)}
    assert kinds <= {*mlf.plugin.__all__}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("observers: [{KIND: nowhere}]", Unknown, "There is no observer 'nowhere'"),
        ("observers: [{patience: 1}]", Invalid, "has no KIND"),
        ("observer: watching", Invalid, "observers"),
    ],
)
def test_bad_settings_are_one_error(project: Any, text: str, error: type[Exception], said: str) -> None:
    defs = project()
    (defs.root / "mlforge.yaml").write_text(f"default_profile: dev\nprofiles: {{dev: {{{text}}}}}\n")
    with pytest.raises(error) as raised:
        defs.build()
    assert said in str(raised.value)
    assert not (defs.root / "store").exists()


def test_what_is_no_observer_is_refused_where_it_is_given() -> None:
    with pytest.raises(Invalid, match="is no observer"):
        mlf.Definitions("shop", observers=[mlf.LocalStore("store")])
    with pytest.raises(Invalid, match="twice"):
        mlf.Definitions("shop", observers=[Watching(), Watching(way="raises")])
    with pytest.raises((Unknown, NotInstalled)):
        mlf.Definitions("shop", observers="nowhere")


def test_an_observer_that_holds_up_the_work_is_named_while_it_does(
    project: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "QUICK", 0.05)
    defs = project(Watching(way="dawdles here"))
    work = threading.Thread(target=defs.build, args=("paid",))
    work.start()
    deadline = monotonic() + 10
    while "holds up the work" not in caplog.text and monotonic() < deadline:
        HANGING.wait(0.01)
    assert "The observer 'watching' holds up the work: its here() has taken 0.05 s." in caplog.text
    assert work.is_alive()
    HANGING.set()
    work.join(10)
    assert defs.latest("paid") == "1.0.0" and len(told()) == 2


def test_an_observer_that_is_quick_in_the_thread_of_the_work_is_not_told_of(
    project: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert project(Watching()).build("paid").ok
    assert "holds up" not in caplog.text
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
