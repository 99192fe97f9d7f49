"""What only a table of DynamoDB can do wrong, and what the kit cannot see."""

from __future__ import annotations

import time

import pytest
from answering import PAGE, answering
from botocore.exceptions import ClientError

from mlforge.errors import Invalid, PluginFailed
from mlforge.plugin import Entry, Point, damaged_entries
from mlforge.testing.online.subject import DAY, assert_found, entry, tombstone
from mlforge_dynamodb.client import connect, create
from mlforge_dynamodb.failures import failed


@pytest.fixture
def store(servers, config, tmp_path):
    with config(tmp_path, servers.get().url).open() as opened:
        yield opened


def scanned(store):
    """All items as they are."""
    return store.table.client.scan(TableName=store.table.name)["Items"]


def test_no_request_asks_for_more_than_a_hundred_items(store):
    asked = []
    store.table.client.meta.events.register(
        "before-call.dynamodb.BatchGetItem", lambda params, **_: asked.append(params["body"].count(b'"sk"'))
    )
    kept = [entry(i, x=i) for i in range(250)]
    store.write(kept)
    assert_found(store.read([e.address for e in kept]), kept)
    assert sorted(asked) == [50, 100, 100]


def test_what_a_busy_table_leaves_out_is_asked_for_again(store):
    kept = [entry(i, x=i) for i in range(30)]
    store.write(kept)
    answers = []

    def leave_out(parsed, **_):
        """Answer a third of what was found, and then nothing once, as a busy table does."""
        (name,) = parsed["Responses"]
        items = parsed["Responses"][name]
        share = 0 if len(answers) == 1 else max(1, len(items) // 3)
        answers.append(share)
        left = [{k: i[k] for k in ("pk", "sk")} for i in items[share:]]
        parsed["Responses"][name] = items[:share]
        parsed["UnprocessedKeys"] = {name: {"Keys": left, "ConsistentRead": True}} if left else {}

    store.table.client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out)
    assert_found(store.read([e.address for e in kept]), kept)
    assert len(answers) > 3


def test_a_table_that_leaves_everything_out_is_named_in_time(servers, config, tmp_path):
    with config(tmp_path, servers.get().url, timeout=1).open() as store:

        def leave_out(parsed, **_):
            keys = [{"pk": {"S": "spend:0"}, "sk": {"S": "0"}}]
            parsed["Responses"] = {}
            parsed["UnprocessedKeys"] = {store.table.name: {"Keys": keys}}

        store.table.client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out)
        started = time.monotonic()
        with pytest.raises(PluginFailed, match=r"left 1 of 1 items out for 1 s") as caught:
            store.read([entry(1).address])
        assert time.monotonic() - started < 5
        assert "capacity" in caught.value.hint


def test_what_a_busy_table_refuses_is_written_when_it_is_not_busy_any_more(servers, config, tmp_path):
    proxy = servers.proxy()
    kept = [entry(i, x=i) for i in range(5)]
    with config(tmp_path, proxy.url).open() as store:
        proxy.busy["PutItem"] = 12
        assert store.write(kept) == 5
        assert proxy.busy["PutItem"] < 0
        assert_found(store.read([e.address for e in kept]), kept)


def test_a_write_whose_answer_is_lost_is_done_again(servers, config, tmp_path):
    proxy = servers.proxy()
    with config(tmp_path, proxy.url).open() as store:
        proxy.lost["PutItem"] = 1
        assert store.write([entry(1, x=1)]) == 1
        assert_found(store.read([entry(1).address]), [entry(1, x=1)])


def test_a_swap_whose_answer_is_lost_still_knows_that_it_was_done(servers, config, tmp_path):
    proxy = servers.proxy()
    with config(tmp_path, proxy.url).open() as store:
        proxy.lost["PutItem"] = 1
        assert store.swap_note("spend", None, b"1")
        assert not store.swap_note("spend", None, b"1")
        proxy.lost["PutItem"] = 1
        assert store.swap_note("spend", b"1", b"2")
        assert store.read_note("spend") == b"2"


def test_an_entity_that_is_too_large_is_refused_by_its_feature_and_the_limit(store):
    large = entry(1, x="x" * 409_600)
    with pytest.raises(Invalid, match=r"'spend'.* has 409,\d+ bytes.* at most 409,600") as caught:
        store.write([entry(2, x=1), large])
    assert "online_horizon" in caught.value.hint
    assert store.read([entry(2).address, large.address]) == [None, None]


def test_a_large_entity_is_kept(store):
    large = entry(1, x="x" * 300_000)
    store.write([large])
    assert_found(store.read([large.address]), [large])


def test_a_note_that_is_too_large_is_refused(store):
    with pytest.raises(Invalid, match=r"its note has 500,000 bytes"):
        store.swap_note("spend", None, b"x" * 500_000)


def test_items_say_what_they_are(servers, config, tmp_path):
    with config(tmp_path, servers.get().url, ttl_seconds=100).open() as store:
        kept, gone = entry(1, as_of=DAY, x=1), tombstone(2, as_of=-1)
        before = time.time()
        store.write([kept, gone])
        items = {i["sk"]["S"]: i for i in scanned(store)}
        assert items[kept.key]["pk"] == {"S": f"spend:{kept.key[0]}"}
        assert items[kept.key]["as_of"] == {"N": str(DAY)}
        assert before + 100 <= int(items[kept.key]["expires"]["N"]) <= time.time() + 102
        assert items[gone.key]["gone"] == {"BOOL": True}
        found = store.table.client.describe_time_to_live(TableName=store.table.name)["TimeToLiveDescription"]
        assert (found["AttributeName"], found["TimeToLiveStatus"]) == ("expires", "ENABLED")


def test_a_table_is_paid_by_request_and_made_once(servers, config, tmp_path):
    made = config(tmp_path, servers.get().url)
    with made.open() as one, made.open() as two:
        table = two.table.client.describe_table(TableName=made.table_name)["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        one.write([entry(1, x=1)])
        assert_found(two.read([entry(1).address]), [entry(1, x=1)])


class Overtaken:
    """A client that somebody else is faster than: the time to live is set, and setting it again is refused."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        return getattr(self.client, name)

    def update_time_to_live(self, **words):
        self.client.update_time_to_live(**words)
        told = {"Code": "ValidationException", "Message": "TimeToLive is already enabled"}
        raise ClientError({"Error": told}, "UpdateTimeToLive")


def test_of_two_who_make_a_table_at_once_neither_fails(servers, config, tmp_path):
    made = config(tmp_path, servers.get().url, auto_create=False)
    create(Overtaken(connect(made)), made.table_name)
    with made.open() as store:
        store.write([entry(1, x=1)])
        assert_found(store.read([entry(1).address]), [entry(1, x=1)])


def test_who_may_not_make_a_table_is_told_what_that_needs():
    told = {"Code": "AccessDeniedException", "Message": "not authorized to perform: dynamodb:DescribeTable"}
    assert "DescribeTable" in failed(ClientError({"Error": told}, "DescribeTable"), "table 'mlforge'").hint


def test_an_instant_of_64_bits_is_compared_exactly(store):
    first = Entry("spend", "a1", "1.0.0", 2**63 - 2, None, ("x",), (Point(None, (1,)),))
    later = Entry("spend", "a1", "1.0.0", 2**63 - 1, None, ("x",), (Point(None, (2,)),))
    assert (store.write([later]), store.write([first])) == (1, 0)
    assert_found(store.read([later.address]), [later])


@pytest.mark.parametrize("name", ["as_of", "expires"])
@pytest.mark.parametrize("change", [-1, 1, -(2**40)])
def test_what_decides_about_an_entry_is_under_its_checksum(servers, config, tmp_path, name, change):
    with config(tmp_path, servers.get().url, ttl_seconds=100).open() as store:
        store.write([entry(1, x=1), entry(2, x=2)])
        item = next(i for i in scanned(store) if i["sk"]["S"] == entry(1).key)
        item[name] = {"N": str(int(item[name]["N"]) + change)}
        store.table.client.put_item(TableName=store.table.name, Item=item)
        before = damaged_entries().get("spend", 0)
        assert_found(store.read([entry(1).address, entry(2).address]), [None, entry(2, x=2)])
        assert damaged_entries()["spend"] == before + 1


def test_a_missing_table_is_named_with_the_way_out(servers, config, tmp_path):
    with config(tmp_path, servers.get().url, auto_create=False).open() as store:
        with pytest.raises(PluginFailed, match=r"table 'test-.*ResourceNotFoundException") as caught:
            store.ping()
        assert "auto_create: true" in caught.value.hint


def test_a_table_with_other_keys_is_refused(servers, config, tmp_path):
    made = config(tmp_path, servers.get().url, auto_create=False)
    with made.open() as store:
        store.table.client.create_table(
            TableName=made.table_name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        with pytest.raises(PluginFailed, match="ValidationException") as caught:
            store.read([entry(1).address])
        assert "pk and sk" in caught.value.hint


@pytest.mark.parametrize("auto_create", [True, False])
def test_a_table_that_forgets_by_another_attribute_is_refused_before_anything_is_written(
    servers, config, tmp_path, auto_create
):
    made = config(tmp_path, servers.get().url, auto_create=auto_create)
    client = connect(made)
    let_expire(client, made.table_name, "ttl")
    with made.open() as store:
        for use in (lambda: store.swap_note("spend", None, b"{}"), lambda: store.write([entry(1, x=1)])):
            with pytest.raises(Invalid, match=r"table 'test-.*'ttl', and not 'expires'") as caught:
                use()
        assert f"--table-name {made.table_name} --time-to-live" in caught.value.hint
        assert scanned(store) == []
        assert store.read([entry(1).address]) == [None]
    set_expiry(client, made.table_name, "ttl", on=False)
    with made.open() as store:
        assert store.write([entry(1, x=1)]) == 1


def test_who_may_not_ask_how_a_table_forgets_publishes_all_the_same(servers, config, tmp_path):
    with config(tmp_path, servers.get().url).open() as store:
        store.table.client.meta.events.register("before-call.dynamodb.DescribeTimeToLive", denied)
        assert store.write([entry(1, x=1)]) == 1


def let_expire(client, table, attribute):
    """Make a table that somebody else has set up."""
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    set_expiry(client, table, attribute, on=True)


def set_expiry(client, table, attribute, on):
    client.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": on, "AttributeName": attribute})


def denied(**_):
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeTimeToLive")


@pytest.fixture(params=[(PAGE, "text/html", 200), (b"", "text/plain", 200), (PAGE, "text/html", 503)], ids=str)
def between(request):
    """A proxy that answers everything in DynamoDB's place."""
    with answering(*request.param) as url:
        yield url


@pytest.mark.parametrize("verb", ["write", "read", "read_note", "swap_note", "older", "ping"])
def test_what_answers_in_the_place_of_dynamodb_keeps_nothing_and_has_nothing(between, config, tmp_path, verb):
    verbs = {
        "write": lambda store: store.write([entry(1, x=1)]),
        "read": lambda store: store.read([entry(1).address]),
        "read_note": lambda store: store.read_note("spend"),
        "swap_note": lambda store: store.swap_note("spend", None, b"1"),
        "older": lambda store: list(store.older("spend", 1)),
        "ping": lambda store: store.ping(),
    }
    store = config(tmp_path, between, auto_create=False).open()
    with store, pytest.raises(PluginFailed, match="DynamoDB table") as caught:
        verbs[verb](store)
    assert "<" not in caught.value.message
    assert caught.value.hint


def test_a_wrong_clock_is_not_told_as_wrong_credentials():
    text = "Signature expired: 20261130T040000Z is now earlier than 20261130T095500Z"
    answer = {"Error": {"Code": "InvalidSignatureException", "Message": text}}
    assert "clock" in failed(ClientError(answer, "GetItem"), "table 'mlforge'").hint
    wrong = {"Error": {"Code": "InvalidSignatureException", "Message": "The signature does not match."}}
    assert "secret_access_key" in failed(ClientError(wrong, "GetItem"), "table 'mlforge'").hint
