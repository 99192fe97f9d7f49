"""Settings: what is refused, what a URL says, and how they are read from a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.plugin import Expiring
from mlforge.project.profiles import read_profiles
from mlforge_redis.endpoint import endpoint_of
from mlforge_redis.plugin import RedisStore


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"port": 0}, "port is 0"),
        ({"port": 65_536}, "port is 65536"),
        ({"port": "6379"}, "port is '6379'"),
        ({"db": -1}, "db is -1"),
        ({"db": 1, "cluster": True}, "a cluster has only 0"),
        ({"host": ""}, "host is ''"),
        ({"host": "cache:6379"}, "host is 'cache:6379', with a port"),
        ({"host": "redis://user:hush@cache"}, "host is a whole address"),
        ({"prefix": "a b"}, "prefix is 'a b'"),
        ({"prefix": ""}, "prefix is ''"),
        ({"encoding": "xml"}, "encoding is 'xml'"),
        ({"ttl": 0}, "ttl is 0"),
        ({"ttl": -5}, "ttl is -5"),
        ({"ttl": True}, "ttl is True"),
        ({"ttl": 10**12}, "ttl is 1000000000000"),
        ({"ttl": "7 days"}, "'7 days' is not a ttl"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": float("inf")}, "timeout is inf"),
        ({"connect_timeout": "2"}, "connect_timeout is '2'"),
        ({"retries": -1}, "retries is -1"),
        ({"replicas": -1}, "replicas is -1"),
        ({"sentinels": ("a:1",)}, "sentinels and sentinel_primary go together"),
        ({"sentinel_primary": "shop"}, "sentinels and sentinel_primary go together"),
        ({"sentinels": ("a:1",), "sentinel_primary": "shop", "cluster": True}, "sentinels are set, and a cluster"),
        ({"credential_provider": "a:B", "password": "hush"}, "Both credential_provider and"),
        ({"ssl_keyfile": "key.pem", "ssl": True}, "ssl_keyfile is the key of no certificate"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_when_it_is_given(settings, says):
    with pytest.raises(Invalid) as caught:
        RedisStore(**settings)
    assert says in caught.value.message
    assert caught.value.hint
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "http://user:hush@host"}, "url has the scheme 'http'"),
        ({"url": "redis://user:hush@host:port"}, "url has a port that is none"),
        ({"url": "redis://user:hush@host/many"}, "url has the database 'many'"),
        ({"url": "redis://user:hush@host?ttl=3"}, "url has the option 'ttl'"),
        ({"url": "redis://user:hush@host/1", "cluster": True}, "a cluster has neither"),
        ({"url": "redis://user:hush@host", "port": 6380}, "Both url and port are set"),
        ({"url": "redis://user:hush@host", "ssl": True}, "Both url and ssl are set"),
        ({"url": "unix://user:hush@host"}, "url names no socket"),
        ({"url": "redis://host", "ssl_ca_certs": "ca.pem"}, "ssl_ca_certs is set, and TLS is not spoken"),
        ({"ssl_certfile": "me.pem"}, "ssl_certfile is set, and TLS is not spoken"),
        ({"sentinels": ("a:b",), "sentinel_primary": "shop"}, "'a:b' is no address"),
        ({"credential_provider": "nowhere:Hush"}, "nowhere:Hush cannot be imported"),
        ({"credential_provider": "nowhere"}, "nowhere cannot be imported"),
        ({"credential_provider": "builtins:dict"}, "builtins:dict gives a dict"),
        ({"credential_provider": "builtins:range"}, "it raised TypeError"),
        ({"ssl": True, "ssl_ca_certs": "nowhere.pem"}, "ssl_ca_certs cannot be used: No such file"),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together_are_refused_when_the_store_is_opened(settings, says):
    with pytest.raises(Invalid) as caught:
        RedisStore(**settings).open()
    assert says in caught.value.message
    assert caught.value.hint
    assert "hush" not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("url", "host", "port", "db", "username", "password", "path"),
    [
        ("redis://h", "h", 6379, 0, None, None, None),
        ("valkey://h:7/3", "h", 7, 3, None, None, None),
        ("redis://:p%40ss@h/2", "h", 6379, 2, None, "p@ss", None),
        ("redis://me%3A:pw@[::1]:7", "::1", 7, 0, "me:", "pw", None),
        ("redis://h?db=4", "h", 6379, 4, None, None, None),
        ("unix:///run/r%20s.sock?db=1", "localhost", 6379, 1, None, None, "/run/r s.sock"),
    ],
)
def test_a_url_says_where_and_who(url, host, port, db, username, password, path):
    found = endpoint_of(RedisStore(url=url))
    assert (found.host, found.port, found.db) == (host, port, db)
    assert (found.username, found.password, found.path) == (username, password, path)
    assert not found.tls


def test_a_password_beside_a_url_is_used_as_it_is():
    found = endpoint_of(RedisStore(url="redis://h", username="me", password="a%20b"))
    assert (found.username, found.password) == ("me", "a%20b")
    assert "a%20b" not in repr(found)


@pytest.mark.parametrize(
    ("ttl", "seconds"), [(60, 60), ("60", 60), ("12h", 43_200), ("7d", 604_800), (None, None)], ids=repr
)
def test_a_time_to_live_is_seconds_or_has_a_unit(ttl, seconds):
    with RedisStore(ttl=ttl).open() as store:
        assert isinstance(store, Expiring)
        assert store.lifetime() == (None if seconds is None else seconds * 1_000_000)


def test_files_start_at_the_projects_folder():
    placed = RedisStore(ssl=True, ssl_ca_certs="certs/ca.pem").at(Path("/shop"))
    assert placed.ssl_ca_certs == "/shop/certs/ca.pem"
    assert placed.ssl_certfile is None


def test_the_place_the_password_and_the_lifetime_are_given_by_position():
    store = RedisStore("h", 7, 3, "pw", 60)
    assert (store.host, store.port, store.db, store.password, store.ttl) == ("h", 7, 3, "pw", 60)
    with pytest.raises(Invalid, match="RedisStore takes 5 values without a name, not 6") as told:
        RedisStore("h", 7, 3, "pw", 60, "ada")
    assert "RedisStore(host=…, port=…, db=…, password=…, ttl=…, " in (told.value.hint or "")


def test_it_is_one_of_the_users_words():
    assert mlf.RedisStore is RedisStore


def test_a_profile_may_name_sentinels(tmp_path):
    (tmp_path / "mlforge.yaml").write_text(
        """
profiles:
  production:
    online_store:
      KIND: redis
      sentinels: [watch-1:26379, "[::1]:26380", watch-3]
      sentinel_primary: shop
      sentinel_password: ${oc.env:WATCH}
      ssl: true
      replicas: 1
"""
    )
    store = read_profiles(tmp_path).resolve("production", {"WATCH": "hush"}).online_store
    assert store.sentinels == ("watch-1:26379", "[::1]:26380", "watch-3")
    assert "hush" not in repr(store)
    with store.open():  # nothing is asked yet
        assert store.sentinel_password == "hush"


def test_a_profile_brings_a_store_that_serves(servers, tmp_path):
    (tmp_path / "mlforge.yaml").write_text(
        """
profiles:
  production:
    online_store:
      KIND: redis
      host: ${oc.env:REDIS_HOST,localhost}
      port: ${oc.env:REDIS_PORT}
      password: ${oc.env:REDIS_PASSWORD}
      ttl: 7d
      prefix: shop
"""
    )
    server = servers.get("valkey", password="the-right-one")
    variables = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port), "REDIS_PASSWORD": "the-right-one"}
    profile = read_profiles(tmp_path).resolve("production", variables)
    assert "the-right-one" not in repr(profile)
    with profile.online_store.open() as store:
        store.ping()
        assert store.lifetime() == 604_800_000_000
