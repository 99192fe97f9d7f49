"""A reader in the long run: when it looks at what is published now, what it warns of, how it shows what it found."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from mlforge.errors import Conflict, Invalid, NotFound
from mlforge.flow.lock import Lock, Pin, RequestPin
from mlforge.flow.online.reader import OnlineFeatures, Reader
from mlforge.model.expr import col
from mlforge.model.feature import FeatureSpec
from mlforge.model.request import RequestFeature
from mlforge.model.span import micros_of
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.refusals import refused

ASKED = [{"user": 1}]


class Noted(LiveMemoryOnlineStore):
    """Counts how often its notes are looked at."""

    looked = 0

    def read_note(self, feature):
        self.looked += 1
        return super().read_note(feature)


@pytest.fixture
def spend(shop):
    shop.online = Noted(None)
    shop.version("1.0.0", [(1, -5, 10), (2, -4, 20)])
    shop.publish(0)
    return shop


@pytest.fixture
def seconds(monkeypatch):
    """The clock that a reader tells by when to look again; set it."""
    now = [1000.0]
    monkeypatch.setattr("mlforge.flow.online.reader.monotonic", lambda: now[0])
    return now


def read(reader):
    return reader.read(ASKED)


def aread(reader):
    return asyncio.run(reader.aread(ASKED))


@pytest.mark.parametrize("how", [read, aread])
@pytest.mark.parametrize(("after", "given"), [(5.0, {}), (30.0, {"refreshed_after": 30.0})])
def test_what_is_published_is_looked_at_again_after_some_seconds_and_not_before(spend, seconds, how, after, given):
    reader = spend.reader(**given)
    for due in (1000 + after, 1000.5 + 2 * after):
        looked = spend.online.looked
        for seconds[0], more in ((due - 0.1, 0), (due, 0), (due + 0.5, 1), (due + 0.5, 1)):
            assert how(reader).values == [{"amount": 10}]
            assert spend.online.looked == looked + more


class Awaited(Noted):
    async def aread(self, addresses):
        return self.read(addresses)

    async def aclose(self):
        pass


def test_of_many_who_wait_at_once_one_looks(spend, seconds):
    spend.online = Awaited(None)
    spend.publish(0)
    reader = spend.reader()
    seconds[0] += 6
    looked, go_on = spend.online.looked, threading.Event()

    async def run():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, go_on.wait, 60)
        waiting = [asyncio.create_task(reader.aread(ASKED)) for _ in range(4)]
        for _ in range(9):  # those that wait for no thread end meanwhile
            await asyncio.sleep(0)
        at_once = sum(task.done() for task in waiting)
        go_on.set()
        await busy
        return at_once, [found.values for found in await asyncio.gather(*waiting)]

    assert asyncio.run(run()) == (3, [[{"amount": 10}]] * 4)
    assert spend.online.looked == looked + 1


def test_every_new_publish_is_noticed(spend):
    reader = spend.reader(refreshed_after=0.0, at=20)
    for hour, number in enumerate((5, 6, 2, 7, 1), 1):
        spend.version(f"1.0.{number}", [(1, -5, number)])
        spend.publish(hour, version=f"1.0.{number}")
        assert read(reader).values == [{"amount": number}]
        assert reader.features["spend"].version == f"1.0.{number}"


def test_what_cannot_be_read_any_more_is_refused_until_it_can(spend, seconds):
    reader = spend.reader("spend@1.0.0")
    spend.version("1.0.1", [(1, -5, 11)])
    spend.publish(1)
    seconds[0] += 6
    for _ in range(3):
        with refused(NotFound, "1.0.1"):
            read(reader)
    spend.publish(2, version="1.0.0")
    assert read(reader).values == [{"amount": 10}]


def test_the_instant_is_the_present_one(spend):
    reader = Reader(spend.online, "spend")
    before = micros_of(datetime.now(UTC))
    assert before <= reader.now() <= micros_of(datetime.now(UTC))


def test_several_versions_of_a_feature_are_told_apart_and_others_keep_their_names(spend):
    spend.version("1.0.1", [(1, -5, 11)])
    spend.version("1.0.0", [(1, 0, 5)], name="plan")
    spend.publish(1, version="1.0.1")
    spend.publish(1, version="1.0.0", beside=True)
    spend.publish(1, name="plan")
    reader = spend.reader(["spend@1.0.0", "plan", "spend@1.0.1"], 1, full_names=True)
    found = read(reader)
    assert found.values == [{"spend@1.0.0__amount": 10, "plan__amount": 5, "spend@1.0.1__amount": 11}]
    assert [*found.statuses[0]] == [*reader.features] == ["spend@1.0.0", "plan", "spend@1.0.1"]
    assert [one.place for one in reader.lookups] == ["spend@1.0.0", "plan", "spend"]
    with refused(Invalid, "entity 0"):
        reader.asked([{}])


def lock_of(spend, content):
    pin = Pin("spend", "1.0.0", content, ("amount",))
    return Lock((pin,))


def test_other_rows_than_a_lock_has_are_refused_or_warned_of_once(spend, seconds, caplog):
    content = spend.kept["spend"]["1.0.0"].meta.content_hash
    assert read(spend.reader(lock_of(spend, content))).values == [{"amount": 10}]
    with refused(Conflict, "'spend' 1.0.0 is served with other rows"):
        spend.reader(lock_of(spend, "other"))
    warned = []
    reader = spend.reader(lock_of(spend, "other"), policy="warn", warn=warned.append)
    seconds[0] += 6
    assert read(reader).values == [{"amount": 10}]
    assert len(warned) == 1
    assert "other rows" in warned[0]
    assert caplog.messages == []
    spend.reader(lock_of(spend, "other"), policy="warn")
    assert caplog.messages == warned
    spend.reader(lock_of(spend, content), policy="warn", warn=warned.append)
    assert len(warned) == 1


def test_a_request_feature_of_a_lock_is_computed_of_the_locks_versions(spend):
    twice = RequestFeature("twice", {"twice": col("amount") * 2}, uses=(FeatureSpec("spend", columns=["amount"]),))
    held = RequestPin.of(twice, {"spend": "1.0.0"}, None)
    for content, values in ((spend.kept["spend"]["1.0.0"].meta.content_hash, [{"twice": 20}]), ("other", None)):
        lock = Lock((Pin("spend", "1.0.0", content, ("amount",), answered=False),), requests=(held,))
        if values:
            assert read(spend.reader(lock)).values == values
        else:
            with refused(Conflict, "other rows"):
                spend.reader(lock)


def cells(shown):
    return re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", shown)


def test_a_notebook_shows_values_beside_their_statuses(spend):
    spend.version("1.0.0", [{"user": 1, "rate": 3}], name="plan", timed=False, types={"user": "Int64", "rate": "Int64"})
    spend.publish(0, name="plan")
    found = spend.reader(["plan", "spend"]).read([{"user": 1}, {"user": 2}])
    shown = cells(found._repr_html_())
    assert shown[:3] == ["rate", "amount", "status"]
    assert shown[3:6] == ["3", "10", "plan: present, spend: present"]
    assert (shown[7:], len(shown)) == (["20", "plan: missing, spend: present"], 9)
    frame = OnlineFeatures("a <frame>", found.statuses)._repr_html_()
    assert "<pre>a &lt;frame&gt;</pre>" in frame
    assert (cells(frame)[0], len(cells(frame))) == ("statuses", 3)
