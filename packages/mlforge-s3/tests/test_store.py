"""What S3 refuses, who signs, and that no secret is written anywhere."""

from __future__ import annotations

import logging
import pickle
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from answering import answering
from obstore.exceptions import GenericError

import mlforge as mlf
from mlforge.errors import Conflict, Invalid, PluginFailed
from mlforge.flow.versions.manifest import derive_manifest
from mlforge.testing.versions import meta_of, write_file
from mlforge_s3.bucket import S3Bucket
from mlforge_s3.failures import failed
from mlforge_s3.plugin import S3Store
from mlforge_s3.source import S3Objects

SECRET = "wJalr-the-right-one-EXAMPLEKEY"
TOKEN = "a-session-token-of-the-user"

pytestmark = pytest.mark.linux  # its server has no wheel for others


def commit(store, version, data=b"rows", expected=None, **changes):
    target = store.begin(changes.get("name", "spend"), "parquet")
    write_file(target.uri, data)
    return store.commit(target, meta_of(version, **changes), expected)


def test_no_secret_is_in_what_is_kept_shown_told_or_pickled(store_of, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    config = store_of(tmp_path)
    shown = [repr(config), str(config), msgspec.json.encode(config).decode()]
    with config.open() as store:
        commit(store, "1.0.0")
        target, artifact = store.begin("spend", "parquet"), store.get("spend", "1.0.0")
        credentials = artifact.options["credential_provider"]
        assert credentials()[0]["aws_secret_access_key"] == SECRET
        shown += [repr(x) for x in (store, store.bucket, target, artifact, credentials, credentials.session)]
        shown += [str(pickle.dumps(one)) for one in (artifact, config)]
        store.write_manifest(derive_manifest(store, datetime.now(UTC)))
        shown += [str(store.bucket.read(one.key)) for one in store.bucket.list("")]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET}-wrong")
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    with store_of(tmp_path).open() as store:
        for doing in (lambda: store.latest("spend"), lambda: store.names(), lambda: commit(store, "1.1.0")):
            with pytest.raises(PluginFailed) as caught:
                doing()
            shown += [str(caught.value), repr(caught.value), str(caught.value.__cause__)]
    shown.append(caplog.text)
    assert not [text for text in shown if SECRET in text or TOKEN in text]
    assert "sts get-caller-identity" in caught.value.hint or "credentials" in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(store_of, tmp_path):
    with store_of(tmp_path, bucket="not-there").open() as store, pytest.raises(PluginFailed, match="NoSuchB") as caught:
        store.latest("spend")
    assert "s3://not-there/tests" in caught.value.message
    assert "Make it" in caught.value.hint


def test_a_server_that_does_not_answer_is_said_so(tmp_path):
    with (
        S3Store("shop-features", endpoint_url="http://127.0.0.1:9").open() as store,
        pytest.raises(PluginFailed, match="does not answer") as caught,
    ):
        store.latest("spend")
    assert "endpoint_url" in caught.value.hint


def test_without_credentials_nobody_is_asked(store_of, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with store_of(tmp_path).open() as store, pytest.raises(PluginFailed, match="without credentials") as caught:
        store.names()
    assert "AWS_PROFILE" in caught.value.hint


def test_a_profile_says_who_signs_and_where(store_of, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    keys = f"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "config").write_text(f"[profile shop]\nregion = eu-central-1\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with store_of(tmp_path, profile="shop").open() as store:
        commit(store, "1.0.0")
        assert store.get("spend", "1.0.0").options["aws_region"] == "eu-central-1"
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    with store_of(tmp_path, profile="shpo").open() as store, pytest.raises(Invalid, match="no profile 'shpo'"):
        store.names()


def test_a_bucket_for_everybody_is_read_without_credentials(store_of, published, tmp_path, monkeypatch):
    with store_of(tmp_path, "moto").open() as store, mlf.PolarsEngine().open() as engine:
        target = store.begin("spend", "parquet")
        engine.write(pl.DataFrame({"user": [1]}), target)
        store.commit(target, meta_of("1.0.0", entity_keys=("user",), timestamp=None, columns=()), None)
        with pytest.raises(Conflict, match=r"1\.0\.0"):
            commit(store, "1.0.0", expected="1.0.0")
    published(store_of(tmp_path, "moto"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with store_of(tmp_path, "moto", anonymous=True).open() as store, mlf.PolarsEngine().open() as engine:
        artifact = store.get("spend", "1.0.0")
        assert engine.reaches(artifact)
        assert engine.read_version(artifact)["user"].to_list() == [1]


@pytest.mark.parametrize("name", ["odd %20#{n} é~^", "日本", "a+b & c=d;e'f"])
def test_a_name_of_any_letters_is_read_where_it_is_and_here(store_of, tmp_path, name):
    with store_of(tmp_path).open() as store:
        for engine, version, latest in ((mlf.PolarsEngine(), "1.0.0", None), (mlf.DuckDBEngine(), "1.1.0", "1.0.0")):
            target = store.begin(name, "parquet")
            pl.DataFrame({"user": [7]}).write_parquet(target.uri)
            store.commit(target, meta_of(version, name, entity_keys=("user",), timestamp=None, columns=()), latest)
            artifact = store.get(name, version)
            with engine.open() as live:
                near = artifact if live.reaches(artifact) else store.fetch(artifact)
                assert live.reaches(near)
                assert [row["user"] for batch in live.rows(live.scan_version(near)) for row in batch] == [7]
        assert store.names() == [name]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"bucket": "s3://shop"}, "bucket is"),
        ({"bucket": "Shop"}, "bucket is"),
        ({"prefix": "/a"}, "prefix is"),
        ({"prefix": "a/../b"}, "prefix is"),
        ({"prefix": "a\nb"}, "prefix is"),
        ({"region": "Frankfurt am Main"}, "region is"),
        ({"endpoint_url": "localhost:9000"}, "endpoint_url is no address"),
        ({"endpoint_url": "http://user:pass@host"}, "endpoint_url is no address"),
        ({"anonymous": True, "profile": "shop"}, "anonymous"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_when_it_is_given(settings, says):
    with pytest.raises(Invalid) as caught:
        S3Store(**{"bucket": "shop-features"} | settings)
    assert says in caught.value.message
    assert caught.value.hint
    assert "pass" not in caught.value.message


def test_it_is_one_of_the_users_words():
    assert mlf.S3Store is S3Store


def test_an_upload_is_cut_so_that_few_pieces_are_in_memory(store_of, tmp_path, monkeypatch):
    import obstore

    seen = {}
    monkeypatch.setattr(obstore, "put", lambda *_, **given: seen.update(given))
    with (path := tmp_path / "large").open("wb") as file:
        file.truncate(200 * 1024**3)  # a hole
    S3Bucket(store_of(tmp_path)).upload(Path(path), "large")
    assert path.stat().st_size / seen["chunk_size"] < 10_000
    assert seen["chunk_size"] * seen["max_concurrency"] <= 100 * 1024**2


@pytest.fixture
def portal():
    """A proxy that answers everything with a page to sign in."""
    with answering() as url:
        yield url


VERBS = {
    "names": lambda store: store.names(),
    "versions": lambda store: store.versions("spend"),
    "latest": lambda store: store.latest("spend"),
    "get": lambda store: store.get("spend", "1.0.0"),
    "pointers": lambda store: store.pointers(),
    "read_manifest": lambda store: store.read_manifest(),
    "collect": lambda store: store.collect(3600.0, dry_run=False),
    "prune": lambda store: store.prune("spend", 1),
    "point": lambda store: store.point("spend", "1.0.0"),
    "commit": lambda store: commit(store, "1.0.0"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_in_the_place_of_s3_is_no_empty_store_and_no_damage(portal, verb):
    store = S3Store("shop-features", endpoint_url=portal).open()
    with store, pytest.raises(PluginFailed, match=r"s3://shop-features") as caught:
        VERBS[verb](store)
    assert "endpoint_url" in caught.value.hint


def test_a_page_in_the_place_of_s3_is_no_source_without_files(portal, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", portal)
    bucket = S3Objects(S3Bucket(S3Store("shop-features")))
    for verb in (lambda: list(bucket.list("events")), lambda: bucket.head("events.csv")):
        with pytest.raises(PluginFailed, match="is not S3") as caught:
            verb()
        assert "a proxy" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "hint"), [("RequestTimeTooSkewed", "clock"), ("ExpiredToken", "sts get-caller-identity")]
)
def test_what_is_refused_for_the_time_says_which_time(code, hint):
    answer = f"<Error><Code>{code}</Code><Message>It is too late.</Message></Error>"
    told = failed(GenericError(answer), "s3://shop-features")
    assert code in told.message
    assert hint in told.hint
