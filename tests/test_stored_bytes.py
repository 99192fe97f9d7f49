"""Data that changed where it is kept: nothing relies on it, and every way out works."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.plugin import intact, verify

NOON = datetime(2025, 1, 3, 12, tzinfo=UTC)
LABELS = pl.DataFrame({"user_id": [1, 2], "label_time": [NOON] * 2})


@mlf.feature(
    source="events.parquet", keys="user_id", timestamp="event_time", interval="1d",
    metrics=[mlf.Sum("amount", windows=["1d", "7d"])],
)  # fmt: skip
def spend(df):
    return df


def events(folder, days):
    rows = [(user, NOON - timedelta(days=7 - day), 1.0 + day) for day in range(days) for user in (1, 2)]
    pl.DataFrame(rows, ["user_id", "event_time", "amount"], orient="row").write_parquet(folder / "events.parquet")


@pytest.fixture(params=["polars", "duckdb"])
def shop(request, tmp_path):
    """A project of one feature, built from three days of events."""
    return shop_with(tmp_path, request.param)


def shop_with(folder, engine="polars", **verify):
    events(folder, 3)
    defs = mlf.Definitions(
        "shop", [spend], root=folder, engine=engine, store=mlf.LocalStore(folder / "store", **verify),
        online_store=mlf.SQLiteOnlineStore(folder / "online.db"),
    )  # fmt: skip
    assert defs.build().ok
    return defs


def flip(defs, version="1.0.0", stem="data"):
    """Flip a bit in the middle of a data file: another value, or none."""
    path = defs.root / "store/spend" / version / f"{stem}.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    return path


def assert_names_it(failure, path):
    assert str(path) in failure.message
    assert "not those that were committed" in failure.message
    assert "mlforge store verify" in failure.hint
    assert "mlforge build --features spend --full-refresh" in failure.hint


def with_lock(defs, features="spend"):
    return defs.get_training_data(LABELS, features, with_lock=True)


def test_no_lock_is_given_for_bytes_that_changed(shop):
    path = flip(shop)
    with pytest.raises(Invalid) as refused:
        with_lock(shop)
    assert_names_it(refused.value, path)


def test_no_lock_is_redeemed_with_bytes_that_changed(shop):
    _, lock = with_lock(shop)
    path = flip(shop)
    with pytest.raises(Invalid) as refused:
        shop.get_training_data(LABELS, lock)
    assert_names_it(refused.value, path)


def test_nothing_is_published_from_bytes_that_changed(shop):
    path = flip(shop)
    (failed,) = shop.publish(as_of=NOON).failed
    assert_names_it(failed.failure, path)
    with mlf.SQLiteOnlineStore(shop.root / "online.db").open() as online:
        assert online.read_note("spend") is None


def test_a_publish_compares_with_no_bytes_that_changed(shop):
    assert shop.publish(as_of=NOON).ok
    events(shop.root, 4)
    assert shop.build(full_refresh=True).ok
    flip(shop, "1.0.0")
    (result,) = shop.publish(as_of=NOON + timedelta(hours=1)).results
    assert (result.status, result.whole) == ("published", True)


def test_nothing_is_replayed_against_bytes_that_changed(shop):
    assert shop.publish(as_of=NOON).ok
    path = flip(shop)
    (result,) = shop.replay(at=NOON).results
    assert_names_it(result.failure, path)


def test_no_increment_continues_bytes_that_changed_and_the_hint_works(shop):
    path = flip(shop)
    events(shop.root, 4)
    (failed,) = shop.build(since="2025-01-01", until="2025-01-03").failed
    assert_names_it(failed.failure, path)
    assert shop.list_versions("spend") == ["1.0.0"]
    assert shop.build(full_refresh=True).ok
    assert with_lock(shop).lock.pins[0].version == shop.latest("spend")


@pytest.mark.parametrize("stem", ["data", "gone"])
def test_every_layer_of_a_version_is_looked_at(shop, stem):
    events(shop.root, 2)
    assert shop.build(since="2024-12-29", until="2025-01-03").ok
    latest = shop.latest("spend")
    assert (shop.root / "store/spend" / latest / "gone.parquet").exists()
    with_lock(shop)
    path = flip(shop, latest if stem == "gone" else "1.0.0", stem)
    with pytest.raises(Invalid) as refused:
        with_lock(shop)
    assert_names_it(refused.value, path)


def test_what_an_engine_cannot_read_is_named_though_nothing_relies_on_it(shop):
    path = shop.root / "store/spend/1.0.0/data.parquet"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(Invalid) as refused:
        shop.get_training_data(LABELS, "spend")
    assert_names_it(refused.value, path)


def test_a_restored_copy_is_relied_on_again(shop):
    path = shop.root / "store/spend/1.0.0/data.parquet"
    shutil.copy2(path, shop.root / "copy")
    with_lock(shop)
    flip(shop)
    with pytest.raises(Invalid):
        with_lock(shop)
    shutil.copy2(shop.root / "copy", path)
    with_lock(shop)


def test_always_is_before_every_reading(tmp_path):
    shop = shop_with(tmp_path, verify="always")
    path = flip(shop)
    for reading in (
        lambda: shop.read("spend"),
        lambda: shop.get_training_data(LABELS, "spend"),
        lambda: shop.explain("spend", {"user_id": 1}, NOON),
        lambda: mlf.get_training_data(LABELS, "spend", store=mlf.LocalStore(tmp_path / "store", verify="always")),
    ):
        with pytest.raises(Invalid) as refused:
            reading()
        assert_names_it(refused.value, path)
    assert shop.metadata("spend").version == "1.0.0"


def silent_flip(path):
    """Flip the first bit that gives other values without an error."""
    data, true = path.read_bytes(), pl.read_parquet(path)
    for place in range(4, len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with suppress(Exception, pl.exceptions.PanicException):
            if not pl.read_parquet(path).equals(true):
                return
    raise AssertionError("no flip is silent: nothing is shown here")


def test_what_is_never_looked_at_may_be_another_value_and_what_is_relied_on_is_not(tmp_path):
    shop = shop_with(tmp_path, verify="never")
    path = shop.root / "store/spend/1.0.0/data.parquet"
    silent_flip(path)
    assert len(with_lock(shop).frame) == 2
    with pytest.raises(Invalid) as refused:
        mlf.get_training_data(LABELS, "spend", store=mlf.LocalStore(tmp_path / "store"), with_lock=True)
    assert_names_it(refused.value, path)


def test_no_flipped_byte_of_a_data_file_is_relied_on(shop):
    path = shop.root / "store/spend/1.0.0/data.parquet"
    data = path.read_bytes()
    with mlf.LocalStore(shop.root / "store").open() as store:
        artifact = store.get("spend", "1.0.0")
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
            with pytest.raises(Invalid):
                verify(store, artifact, relied=True)
        path.write_bytes(data)
        verify(store, artifact, relied=True)


def test_a_profile_says_when(tmp_path):
    (tmp_path / "mlforge.yaml").write_text(
        "profiles:\n  dev:\n    offline_store: {KIND: local, path: store, verify: always}\ndefault_profile: dev\n"
    )
    events(tmp_path, 3)
    shop = mlf.Definitions("shop", [spend], root=tmp_path)
    assert shop.build().ok
    path = flip(shop)
    with pytest.raises(Invalid) as refused:
        shop.read("spend")
    assert_names_it(refused.value, path)


def test_a_file_is_looked_at_once_a_process_and_again_when_it_changed(tmp_path):
    shop = shop_with(tmp_path)
    with mlf.LocalStore(tmp_path / "store").open() as store:
        artifact = store.get("spend", "1.0.0")
    later = Path(artifact.uris[0]).stat().st_mtime_ns + 10 * 10**9
    before = intact.looked_at()
    for _ in range(3):
        intact.verify_files(artifact, now=later)
    assert intact.looked_at() == before + 1
    flip(shop)
    with pytest.raises(Invalid):
        intact.verify_files(artifact, now=later)
    with pytest.raises(Invalid):
        intact.verify_files(artifact, now=later)
