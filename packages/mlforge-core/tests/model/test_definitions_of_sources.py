import re

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.address import without_secrets
from mlforge.model.entity import Entity
from mlforge.model.source import CSVFormat, DeltaFormat, ParquetFormat, Source
from mlforge.model.timestamp import Timestamp


@pytest.mark.parametrize(
    ("path", "name", "fmt"),
    [
        ("data/events.parquet", "events", ParquetFormat()),
        ("data/events.csv", "events", CSVFormat()),
        ("data/events.tsv", "events", CSVFormat(delimiter="\t")),
        ("data/events/*.parquet", "events", ParquetFormat()),
        ("data/events/", "events", None),
        ("main.raw.events", "events", DeltaFormat()),
        ("s3://bucket/events/", "events", None),
    ],
)
def test_a_path_tells_name_and_format(path, name, fmt):
    assert Source(path).name == name
    assert Source(path).infer_format() == fmt


def test_a_format_that_is_given_stands():
    assert Source("events.txt", format=CSVFormat(delimiter="|")).infer_format() == CSVFormat(delimiter="|")


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("a.csv", "file"),
        ("S3://b/a.csv", "s3"),
        ("raw.events", "table"),
        ("./a.b.csv", "file"),
        ("a.csv.gz", "file"),
        ("x.txt", "file"),
    ],
)
def test_a_path_tells_where_it_is(path, scheme):
    assert Source(path).scheme == scheme


def test_csv_types_may_be_a_mapping_and_stay_hashable():
    assert CSVFormat(dtypes={"zip": "String"}) == CSVFormat(dtypes=(("zip", "String"),))
    assert hash(CSVFormat(dtypes={"zip": "String"}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dtypes": {"zip": pl.String}}, 'dtypes={"zip": "String"}'),
        ({"dtypes": {"zip": pl.Datetime("ms")}}, 'dtypes={"zip": "Datetime"}'),
        ({"dtypes": {"zip": pl.Decimal(10, 2)}}, 'dtypes={"zip": "Decimal(10, 2)"}'),
        ({"dtypes": {"zip": str}}, 'dtypes={"zip": "String"}'),
        ({"dtypes": "String"}, 'dtypes={"zip": "String"}'),
        ({"dtypes": ("zip", "String")}, 'dtypes={"zip": "String"}'),
        ({"null_values": [-999]}, "null_values=['-999']"),
        ({"header": 0}, "header=True"),
    ],
)
def test_an_option_of_csv_as_other_libraries_write_it_is_refused(options, words):
    with pytest.raises(Invalid) as refused:
        CSVFormat(**options)
    assert words in refused.value.hint


def test_an_empty_path_is_refused():
    with pytest.raises(Invalid, match="path"):
        Source(" ")


def test_a_composite_entity_has_a_key_for_each_column():
    assert [k.name for k in Entity("route", join_key=["origin", "dest"]).keys] == ["origin", "dest"]


def test_a_surrogate_key_goes_into_one_column():
    with pytest.raises(Invalid, match="several join keys"):
        Entity("user", join_key=["a", "b"], from_columns=["first", "last"])
    with pytest.raises(Invalid, match="of itself"):
        Entity("user", join_key="first", from_columns=["first"])


def test_an_alias_renames_the_timestamp():
    assert Timestamp("ts", alias="event_time").name == "event_time"
    assert Timestamp("ts").name == "ts"


def test_a_file_of_any_ending_with_a_format_is_a_file():
    assert Source("export.txt", format=CSVFormat()).scheme == "file"
    assert Source("raw.events", format=DeltaFormat()).scheme == "table"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"delimiter": "é"}, "delimiter 'é'"),
        ({"delimiter": "'", "quote": "'"}, 'delimiter "\'"'),
        ({"quote": ""}, "quote ''"),
        ({"quote": '""'}, "quote '\"\"'"),
        ({"decimal": "5"}, "decimal mark '5'"),
        ({"decimal": None}, "decimal mark None"),
        ({"thousands": "."}, "thousands '.'"),
        ({"thousands": ""}, "thousands ''"),
        ({"encoding": "utf8-ish"}, "no encoding 'utf8-ish'"),
        ({"encoding": "rot13"}, "no encoding 'rot13'"),
        ({"encoding": None}, "no encoding None"),
        ({"skip_rows": -1}, "skip -1 lines"),
        ({"skip_rows": True}, "skip True lines"),
        ({"comment": ""}, "'' cannot begin a comment"),
        ({"comment": '"#'}, "cannot begin a comment"),
    ],
)
def test_a_notation_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(Invalid, match=re.escape(said)) as refused:
        CSVFormat(**wrong)
    assert "CSVFormat(" in refused.value.hint or "such as" in refused.value.hint.lower()


def test_a_quote_frees_the_other_one():
    assert CSVFormat(delimiter='"', quote="'").delimiter == '"'
    assert CSVFormat(quote=None).quote is None


def test_an_address_with_a_password_is_the_same_source_and_shows_it_nowhere():
    given = "postgresql://me:hunter2@db/shop?password=hunter3&x=1"
    one, same, other = (Source(path, table="events") for path in (given, given, given.replace("2", "4")))
    assert one == same != other
    assert len({one, same, other}) == 2
    assert one.path == "postgresql://me:***@db/shop?password=***&x=1"
    assert one.address == given
    assert "hunter" not in repr([one, one.held, list(one.__rich_repr__())])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:hun/ter@db/shop", "postgresql://me:***@db/shop"),
        ("postgresql://me:1/hunter@db/shop", "postgresql://me:***@db/shop"),
        ("postgresql://me:hun?ter#2@db/shop", "postgresql://me:***@db/shop"),
        ("postgresql://me:hun@ter@db/shop", "postgresql://me:***@db/shop"),
        ("postgresql://db/shop?user=me&sslpassword=hunter", "postgresql://db/shop?user=me&sslpassword=***"),
        ("postgresql://db/shop?user=me;password=hunter", "postgresql://db/shop?user=me;password=***"),
        ("snowflake://me@acme/shop?privateKey=hunter", "snowflake://me@acme/shop?privateKey=***"),
        ("snowflake://me@acme/shop?passcode=hunter", "snowflake://me@acme/shop?passcode=***"),
        ("postgresql://db:5432/shop?user=me@work&passfile=/f", "postgresql://db:5432/shop?user=me@work&passfile=/f"),
        ("postgresql://[::1]:5432/shop?user=me@work", "postgresql://[::1]:5432/shop?user=me@work"),
        ("sqlite:////srv/a:b@c/shop.db", "sqlite:////srv/a:b@c/shop.db"),
    ],
)
def test_no_secret_of_an_address_is_shown_and_what_is_none_stays(address, shown):
    source = Source(address, table="events")
    assert (source.path, source.address) == (shown, address)
    assert "hunter" not in repr(source)


def test_an_address_that_no_database_answers_shows_no_password_in_its_refusal():
    with pytest.raises(Invalid) as refused:
        Source("postgresql+psycopg://me:hunter2@db/shop", table="events")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "text", "told"),
    [
        ("postgresql://me:hunt@er2@db/shop", "no host er2@db", "no host ***@db"),
        ("postgresql://me:h%C3%BCnter@db/shop", "not hünter, h%C3%BCnter", "not ***, ***"),
        ("postgresql://me:a@db/shop", "authentication failed: a", "authentication failed: ***"),
    ],
)
def test_a_text_about_an_address_tells_its_secrets_and_their_parts_nowhere_and_all_else(address, text, told):
    assert without_secrets(text, address) == told


@pytest.mark.parametrize(
    ("path", "scheme", "name"),
    [
        ("postgres://db/shop", "postgresql", "orders"),
        ("sqlite:////srv/shop.db", "sqlite", "orders"),
        ("bigquery://project/set", "bigquery", "orders"),
    ],
)
def test_an_address_of_a_database_tells_its_scheme_and_the_table_its_name(path, scheme, name):
    source = Source(path, table="public.orders")
    assert (source.scheme, source.name, source.is_table) == (scheme, name, False)
    assert Source(path, query="SELECT 1").name in {"shop", "set"}
