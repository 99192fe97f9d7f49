import re

import pytest

from mlforge.errors import Invalid
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
