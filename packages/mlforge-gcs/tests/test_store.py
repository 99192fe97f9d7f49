"""What Google Cloud Storage refuses, who asks, and that no secret is written anywhere."""

from __future__ import annotations

import json
import logging
import pickle
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest
from answering import PAGE, answering
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.exceptions import RefreshError

import mlforge as mlf
from mlforge.errors import Invalid, PluginFailed
from mlforge.flow.versions.manifest import derive_manifest
from mlforge.testing.versions import meta_of, write_file
from mlforge_gcs import bucket
from mlforge_gcs.failures import told
from mlforge_gcs.plugin import GCSStore

pytestmark = pytest.mark.linux  # its server has no wheel for others


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    """Credentials of a service account that nobody knows, whose tokens nobody gives; and its secret."""
    private = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("keys") / "key.json"
    told = {"type": "service_account", "client_email": "shop@example.iam.gserviceaccount.com", "private_key_id": "1",
            "private_key": private.decode(), "token_uri": "http://127.0.0.1:9/token", "project_id": "shop"}  # fmt: skip
    path.write_text(json.dumps(told))
    return path, private.decode().splitlines()[3]


def commit(store, version, data=b"rows", expected=None, **changes):
    target = store.begin(changes.get("name", "spend"), "parquet")
    write_file(target.uri, data)
    return store.commit(target, meta_of(version, **changes), expected)


def test_no_secret_is_in_what_is_kept_shown_told_or_pickled(store_of, key_file, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(bucket, "RETRY", bucket.RETRY.with_timeout(1.0))
    path, secret = key_file
    with store_of(tmp_path).open() as store:
        commit(store, "1.0.0")
        store.write_manifest(derive_manifest(store, datetime.now(UTC)))
        shown = [str(store.bucket.read(one.key)) for one in store.bucket.list("")]
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    config = store_of(tmp_path, anonymous=False)
    with config.open() as store:
        options = store.bucket.options()
        credentials = options["credential_provider"]
        assert credentials.found.service_account_email == "shop@example.iam.gserviceaccount.com"
        shown += [repr(x) for x in (config, store, store.bucket, options, credentials)]
        shown += [msgspec.json.encode(config).decode(), str(pickle.dumps(options)), str(pickle.dumps(config))]
        for doing in (lambda: store.latest("spend"), credentials):
            with pytest.raises(PluginFailed) as caught:
                doing()
            shown += [str(caught.value), str(caught.value.__cause__)]
    shown.append(caplog.text)
    assert not [text for text in shown if secret in text]
    assert "gcloud auth" in caught.value.hint


def test_a_bucket_that_is_not_there_is_named(store_of, tmp_path):
    with store_of(tmp_path, bucket="not-there").open() as store, pytest.raises(PluginFailed, match="404") as caught:
        store.latest("spend")
    assert "gs://not-there/tests" in caught.value.message
    assert "Make the bucket" in caught.value.hint


def test_a_server_that_does_not_answer_is_said_so(store_of, tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "RETRY", bucket.RETRY.with_timeout(1.0))
    with (
        store_of(tmp_path, endpoint_url="http://127.0.0.1:9").open() as store,
        pytest.raises(PluginFailed, match="does not answer") as caught,
    ):
        store.latest("spend")
    assert "endpoint_url" in caught.value.hint


def test_without_credentials_nobody_is_asked(store_of, tmp_path):
    with (
        store_of(tmp_path, anonymous=False).open() as store,
        pytest.raises(PluginFailed, match="without credentials") as caught,
    ):
        store.names()
    assert "gcloud auth application-default login" in caught.value.hint


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
        ({"bucket": "gs://shop"}, "bucket is"),
        ({"prefix": "a/"}, "prefix is"),
        ({"project": "my project"}, "project is"),
        ({"endpoint_url": "http://user:pass@host"}, "endpoint_url is no address"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_when_it_is_given(settings, says):
    with pytest.raises(Invalid) as caught:
        GCSStore(**{"bucket": "shop-features"} | settings)
    assert says in caught.value.message
    assert caught.value.hint
    assert "pass" not in caught.value.message


def test_it_is_one_of_the_users_words():
    assert mlf.GCSStore is GCSStore


@pytest.mark.parametrize("body", [b"", PAGE], ids=["nothing", "a page"])
@pytest.mark.parametrize("verb", ["names", "versions", "latest"])
def test_what_answers_in_the_place_of_the_service_has_nothing_to_tell(body, verb):
    with answering(body) as url:
        config = GCSStore("shop-features", endpoint_url=url, anonymous=True)
        with config.open() as store, pytest.raises(PluginFailed, match="gs://shop-features") as caught:
            getattr(store, verb)(*(() if verb == "names" else ("spend",)))
    assert caught.value.hint


def test_a_signature_that_is_refused_may_be_the_clocks(key_file):
    refused = RefreshError("('invalid_grant: Invalid JWT: Token must be a short-lived token', {})")
    with pytest.raises(PluginFailed) as caught, told("gs://shop-features"):
        raise refused
    assert "clock" in caught.value.hint
