"""Settings: what is refused, and how they are read from a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlforge as mlf
from mlforge.errors import Invalid, PluginFailed
from mlforge.project.profiles import read_profiles
from mlforge_dynamodb.plugin import DynamoDBStore


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"table_name": "a b"}, "table_name is 'a b'"),
        ({"table_name": "ab"}, "table_name is 'ab'"),
        ({"region": "Frankfurt am Main"}, "region is"),
        ({"ttl_seconds": 0}, "ttl_seconds is 0"),
        ({"ttl_seconds": True}, "ttl_seconds is True"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": 1000}, "workers is 1000"),
        ({"timeout": 0}, "timeout is 0"),
        ({"connect_timeout": -1.0}, "connect_timeout is -1.0"),
        ({"patience": float("nan")}, "patience is nan"),
        ({"endpoint_url": "localhost:8000"}, "endpoint_url is no address"),
        ({"endpoint_url": "http://user:pass@host"}, "endpoint_url is no address"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_when_it_is_given(settings, says):
    with pytest.raises(Invalid) as caught:
        DynamoDBStore(**settings)
    assert says in caught.value.message
    assert caught.value.hint
    assert "pass" not in caught.value.message


def test_half_of_the_credentials_is_refused():
    with pytest.raises(Invalid, match="one is missing"):
        DynamoDBStore(region="eu-central-1", access_key_id="AKIA").open()


def test_without_a_region_nobody_is_asked():
    with pytest.raises(Invalid, match="no region") as caught:
        DynamoDBStore(access_key_id="AKIA", secret_access_key="s").open()
    assert "AWS_REGION" in caught.value.hint


def test_without_credentials_it_says_so():
    with DynamoDBStore(region="eu-central-1").open() as store, pytest.raises(PluginFailed, match="without") as caught:
        store.ping()
    assert "access_key_id" in caught.value.hint


def test_it_is_one_of_the_users_words():
    assert mlf.DynamoDBStore is DynamoDBStore


def test_a_profile_brings_a_store_that_serves(servers, tmp_path: Path, monkeypatch):
    (tmp_path / "mlforge.yaml").write_text(
        """
profiles:
  production:
    online_store:
      KIND: dynamodb
      table_name: shop-features
      region: eu-central-1
      endpoint_url: ${ENDPOINT}
      auto_create: true
      ttl_seconds: ${TTL,604800}
      access_key_id: ${KEY}
      secret_access_key: ${SECRET}
""".replace("${", "${oc.env:")
    )
    variables = {"ENDPOINT": servers.get().url, "KEY": "AKIAIOSFODNN7EXAMPLE", "SECRET": "the-right-one"}
    profile = read_profiles(tmp_path).resolve("production", variables)
    assert "the-right-one" not in repr(profile)
    with profile.online_store.open() as store:
        store.ping()
        assert store.lifetime() == 604_800_000_000
