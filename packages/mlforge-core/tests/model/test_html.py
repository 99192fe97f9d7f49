"""Notebook views: whatever people print is a table, and nothing hostile in it becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

import mlforge as mlf
from mlforge.flow.building.build_report import BuildReport, BuildResult
from mlforge.flow.failure import Failure
from mlforge.flow.lock import Lock, Pin
from mlforge.flow.online.publish_report import PublishReport, PublishResult
from mlforge.flow.online.reader import OnlineFeatures
from mlforge.flow.online.replay_report import ReplayDifference, ReplayReport, ReplayResult
from mlforge.flow.planning.plans import ChangePlan, Effect, FeaturePlan
from mlforge.flow.training.retrieve import TrainingData
from mlforge.flow.versions.copy import CopyReport
from mlforge.flow.versions.diff import Diff
from mlforge.flow.versions.locks import LockedFeature, LockReport
from mlforge.flow.versions.verify import Finding, StoreReport
from mlforge.model.html import Listing, html
from mlforge.model.meta import Change, FeatureMeta, Manifest, ManifestEntry, Recipe
from mlforge.model.schema import Column

BAD = "<script>alert('1')</script>\"><img src=x>\u202e{0}"
ALLOWED = {"div", "table", "tr", "th", "td", "pre", "b", "p", "span", "details", "summary", "ul", "li", "code", "small"}
FAILED = Failure("Invalid", BAD, BAD)
COLUMN = Column(BAD, BAD, description=BAD, unit=BAD)
META = FeatureMeta(
    name=BAD, version="1.0.0", created_at=BAD, updated_at="", row_count=1, entity_keys=(), timestamp=None,
    interval=None,    columns=(COLUMN,), schema_hash="", config_hash="", config=Recipe(()), engine=BAD,
)  # fmt: skip
LOCK = Lock((Pin(BAD, BAD, BAD, (BAD,)),), name=BAD)
SHOWN: dict[str, Any] = {
    "build": BuildReport((BuildResult(feature=BAD, status="failed", failure=FAILED),), 1.0),
    "publish": PublishReport((PublishResult(feature=BAD, status="failed", failure=FAILED),), 1.0),
    "replay": ReplayReport((ReplayResult(feature=BAD, differences=(ReplayDifference({}, BAD, 1, 2, BAD),)),)),
    "plan": ChangePlan(
        features=(FeaturePlan(feature=BAD, status="changed", changes=(Change(BAD, BAD),), columns=(BAD,)),),
        sets=(Effect(name=BAD, standing="breaks", why=(BAD,)),), notes=(BAD,),
    ),
    "diff": Diff(BAD, "1.0.0", "1.1.0", {BAD: (None, BAD)}, (BAD,), True, False, (1, 2), False),
    "lock": LOCK,
    "how a lock stands": LockReport(BAD, "refuse", (LockedFeature(feature=BAD, version=BAD, why=BAD),)),
    "training data": TrainingData(BAD, LOCK),
    "what is served": OnlineFeatures([{BAD: BAD}], [{BAD: "present"}]),
    "a frame of what is served": OnlineFeatures(BAD, [{BAD: "present"}]),
    "verification": StoreReport(1, 1, 1, (Finding(BAD, BAD, BAD),)),
    "nothing wrong": StoreReport(1, 1, 1, ()),
    "copy": CopyReport(1, 2, (BAD,)),
    "metadata": META,
    "manifest": Manifest(BAD, {BAD: ManifestEntry(BAD, (), 1, "", (), (COLUMN,), "", (BAD,), BAD, BAD)}),
    "metric": mlf.Sum("amount", windows="7d", description=BAD, unit=BAD),
    "set": mlf.FeatureSet("churn", [mlf.FeatureSpec("a", columns=[BAD])], description=BAD),
    "request": mlf.request_feature("risk", inputs={"n": "Int64"}, columns={"x": mlf.col("n") + 1}, description=BAD),
    "list": Listing([BAD], (BAD,), lambda one: (one,)),
}  # fmt: skip


class Tags(HTMLParser):
    """The elements of a page, each of which must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}]
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("what", SHOWN)
def test_whatever_people_print_is_a_table_and_hostile_text_stays_text(what: str) -> None:
    shown = SHOWN[what]._repr_html_()
    tags = Tags()
    tags.feed(shown)
    assert tags.open == [] and "table" in tags.seen and tags.seen <= ALLOWED
    assert "\u202e" not in shown


def test_a_frame_that_shows_itself_does() -> None:
    class Frame:
        def _repr_html_(self) -> str:
            return "<b>a frame</b>"

    assert TrainingData(Frame(), LOCK)._repr_html_().startswith("<b>a frame</b>")


def test_lists_stay_lists() -> None:
    defs = mlf.Definitions("shop")
    for found in (defs.list_features(), defs.list_entities(), defs.list_sources(), defs.list_feature_sets()):
        assert isinstance(found, list) and found == []
        assert "<table" in found._repr_html_()  # type: ignore[attr-defined]
    assert msgspec.json.encode(Listing([1], ("n",), lambda n: (n,))) == b"[1]"


def test_a_template_fills_in_texts_and_keeps_what_is_html_already() -> None:
    assert html("<i>{}</i>{}", "<b>", html("<b>{}</b>", "&")) == "<i>&lt;b&gt;</i><b>&amp;</b>"
