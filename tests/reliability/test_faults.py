"""What goes wrong between a store and its server: tried again where that is safe, told once where not."""

from __future__ import annotations

import gc
import uuid
from datetime import timedelta

import pytest
from hurt.proxy import REFUSALS, first, proxy

import mlforge as mlf
import mlforge_gcs.bucket
import mlforge_s3.bucket
from mlforge.errors import Conflict, MlforgeError
from mlforge.testing.versions import meta_of, write_file

pytestmark = [
    pytest.mark.linux,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # Google's client leaves what broke off
]
DATA = bytes(range(256)) * 40
PASSING = ["latency", "error", "slow down", "reset", "cut", "lost answer"]


class Stand:
    """A store behind a proxy, and the same store without one."""

    def __init__(self, kind, upstream, between):
        self.proxy = between
        prefix = uuid.uuid4().hex
        make = mlf.S3Store if kind == "s3" else mlf.GCSStore
        more = {} if kind == "s3" else {"anonymous": True}
        self.behind, self.direct = (
            make("shop-features", prefix=prefix, endpoint_url=url, **more) for url in (between.url, upstream)
        )
        self.reader = self.direct.open()

    def commit(self, version, expected, config=None):
        with (config or self.behind).open() as store:
            target = store.begin("spend", "parquet")
            write_file(target.uri, DATA)
            return store.commit(target, meta_of(version), expected)

    def seen(self):
        """What a reader gets, every version whole."""
        versions, latest = self.reader.versions("spend"), self.reader.latest("spend")
        for version in versions[-1:]:
            self.reader.verify(self.reader.get("spend", version), relied=True)
        return versions, latest


@pytest.fixture(params=["s3", "gcs"])
def stand(request, monkeypatch):
    """Clients wait a hundredth of what they do elsewhere before they try again."""
    soon = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setitem(mlforge_s3.bucket.RETRIES, "backoff", soon)
    monkeypatch.setattr(mlforge_s3.bucket, "PAUSES", (0.01, 0.02, 0.03))
    patient = mlforge_gcs.bucket.RETRY
    monkeypatch.setattr(mlforge_gcs.bucket, "RETRY", patient.with_delay(0.01, 0.05).with_timeout(1.0))
    upstream = request.getfixturevalue(f"{request.param}_url")
    with proxy(upstream) as between:
        stand = Stand(request.param, upstream, between)
        stand.commit("1.0.0", None)
        between.asked.clear()
        yield stand
    gc.collect()  # what it left goes here, and is no other test's


def commit(stand):
    stand.commit("1.1.0", "1.0.0")


def read(stand):
    with stand.behind.open() as store:
        store.verify(store.get("spend", store.latest("spend")), relied=True)
        assert "1.0.0" in store.versions("spend")


def point(stand):
    with stand.behind.open() as store:
        store.point("spend", "1.0.0")


def nth(fault, place):
    """Break the n-th request from now on."""
    count = iter(range(1_000_000))
    return first(fault, lambda _: next(count) == place)


@pytest.mark.parametrize(
    ("doing", "fault"),
    [(read, "reset"), (read, "cut"), (point, "lost answer"), *((commit, fault) for fault in PASSING)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_fault_that_passes_is_borne_wherever_it_strikes(stand, doing, fault, times, figure):
    """Every request in turn, in the short form every third: what was asked is done, and no reader sees half of it."""
    borne, told, stride = 0, [], max(1, 4 - times(1))
    for place in range(PASSING.index(fault) % stride, 40, stride):
        stand.proxy.asked.clear()
        stand.proxy.breaks = nth(fault, place)
        versions, latest = before = stand.seen()
        try:
            doing_next(stand, doing, versions, latest)
            borne += 1
        except MlforgeError as error:
            told.append(str(error))
        after = stand.seen()
        assert_legal(before, after, doing)
        if len(stand.proxy.asked) <= place:
            break
    figure(f"{stand.behind.kind}, {doing.__name__}, {fault}: {borne} borne, {len(told)} told: {sorted(set(told))}")
    assert not told
    assert borne >= 2


def doing_next(stand, doing, versions, latest):
    if doing is commit:
        stand.commit(f"1.{len(versions)}.0", latest)
    else:
        doing(stand)


def assert_legal(before, after, doing):
    new = [v for v in after[0] if v not in before[0]]
    assert after[0] == [*before[0], *new]
    assert len(new) <= (doing is commit)
    assert after[1] in (before[1], *new)


@pytest.mark.parametrize(
    ("doing", "fault"),
    [(commit, fault) for fault in REFUSALS] + [(read, "forbidden"), (point, "slow down")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_fault_that_stays_is_told_once_and_changes_nothing(stand, doing, fault):
    before = stand.seen()
    stand.proxy.breaks = lambda _: fault
    with pytest.raises(MlforgeError) as caught:
        doing(stand)
    assert not isinstance(caught.value, Conflict)
    assert stand.behind.bucket in caught.value.message
    assert caught.value.hint
    assert stand.seen() == before
