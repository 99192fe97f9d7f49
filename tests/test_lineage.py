"""Where columns come from: exact where definitions tell, named where a function does not, with every engine alike."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import mlforge as mlf
from mlforge.cli.app import cli
from mlforge.cli.invocation import Invocation
from mlforge.errors import Invalid, NotFound, Unknown
from mlforge.model.lineage import Lineage, Read

START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = pl.DataFrame({
    "first": ["a", "b", "c", "a"], "last": ["x", "y", "z", "x"], "amount": [1.0, 2.0, 3.0, 4.0], "odd": [1, 2, 3, 4],
    "kind": ["buy", "buy", "refund", "refund"], "at": [START + timedelta(days=n) for n in range(4)],
})  # fmt: skip
DEFINITIONS = """
import mlforge as mlf
import polars as pl
from mlforge.validators import greater_than, rows_between

person = mlf.Entity("person", join_key="person_id", from_columns=["first", "last"])


@mlf.feature(
    source="events.parquet", entities=[person], timestamp=mlf.Timestamp("at", alias="event_time"),
    metrics=[
        mlf.Sum("amount", windows="7d", where=mlf.col("kind").eq("refund"), name="refunds"),
        mlf.Count(windows="7d", name="events"),
        mlf.Formula("trend", mlf.agg("sum", mlf.when(mlf.col("big")).then(mlf.col("amount")).otherwise(0.0), "7d")
                             / mlf.agg("max", "amount", "28d")),
    ],
    derived={"share": mlf.col("refunds_7d") / mlf.col("trend")},
    validators={"amount": greater_than(0), "refunds_7d": greater_than(-1), "events_7d": rows_between(1, None)},
)
def spend(df: pl.DataFrame) -> pl.DataFrame:
    return df.with_columns(big=pl.col("odd") > 2)


@mlf.feature(source="events.parquet", keys="first", timestamp="at", tie_break="odd")
def newest(df: pl.DataFrame) -> pl.DataFrame:
    return df.select("first", "at", "odd", pl.col("amount").alias("paid"))


risk = mlf.request_feature("risk", inputs={"n": "Float64"}, uses=["spend", "newest"], columns={
    "ratio": mlf.col("n") / mlf.col("refunds_7d"), "paid_twice": mlf.col("paid") * 2,
    "idle": mlf.when(mlf.at() > mlf.at()).then(mlf.col("n")).otherwise(0.0)})
defs = mlf.Definitions("shop", features=[spend, newest, risk], store="store", online_store="online.db", feature_sets=[
    mlf.FeatureSet("fraud", ["newest", mlf.FeatureSpec("spend", columns=["share"]), "risk"])])
"""


def project(folder: Path) -> mlf.Definitions:
    EVENTS.write_parquet(folder / "events.parquet")
    (folder / "definitions.py").write_text(DEFINITIONS)
    found: dict[str, Any] = {}
    exec(compile(DEFINITIONS, str(folder / "definitions.py"), "exec"), found)
    defs: mlf.Definitions = found["defs"]
    return mlf.Definitions(
        "shop", features=[found["spend"], found["newest"], found["risk"]], store="store", online_store="online.db",
        feature_sets=list(defs.feature_sets.values()), root=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> mlf.Definitions:
    """Built and published once, with the default engine; not to be changed."""
    defs = project(tmp_path_factory.mktemp("lineage"))
    defs.build(online=True).raise_for_failure()
    return defs


def said(lineage: Lineage, column: str) -> list[str]:
    return [str(read) for read in lineage.origins(column)]


def test_what_a_definition_says_is_told_exactly_and_what_a_function_does_by_name(shop: mlf.Definitions) -> None:
    found = shop.lineage("spend")
    lineage = found.lineage
    assert (found.version, found.recorded, lineage.source, lineage.function) == ("1.0.0", True, "events", "spend")
    assert {c.name: c.made for c in lineage.columns} == {
        "person_id": "returned", "event_time": "time", "refunds_7d": "metric", "events_7d": "metric",
        "trend": "metric", "share": "derived",
    }  # fmt: skip
    assert said(lineage, "refunds_7d") == ["amount of the source", "kind of the source (filter)"]
    assert said(lineage, "events_7d") == []
    assert said(lineage, "trend") == ["big of the function (condition)", "amount of the source"]
    assert said(lineage, "share") == [
        "amount of the source", "kind of the source (filter)", "big of the function (condition)",
    ]  # fmt: skip
    assert said(lineage, "person_id") == ["first of the source", "last of the source"]
    assert said(lineage, "event_time") == ["at of the source"]
    assert lineage.untold == ("big",)
    assert [lineage.ends(read) for read in lineage.rows] == [
        (Read("source", "first", "key"), Read("source", "last", "key")), (Read("source", "at", "time"),),
    ]  # fmt: skip
    assert [(p.column, [str(r) for r in p.reads]) for p in lineage.promises] == [
        ("amount", ["amount of the function"]), ("refunds_7d", ["refunds_7d of the feature"]),
        ("events_7d", ["events_7d of the feature"]),
    ]  # fmt: skip


def test_the_columns_of_a_feature_without_metrics_are_those_that_its_function_returned(shop: mlf.Definitions) -> None:
    meta, lineage = shop.metadata("newest"), shop.lineage("newest").lineage
    assert {c.name for c in lineage.columns} == {*meta.schema.names}
    assert (said(lineage, "paid"), said(lineage, "odd")) == (["paid of the function"], ["odd of the source"])
    assert lineage.rows[-1] == Read("function", "odd", "order")


def test_those_who_use_a_feature_and_what_is_served_are_told(shop: mlf.Definitions) -> None:
    found = shop.lineage("spend")
    assert [(m.set, m.columns) for m in found.sets] == [("fraud", ("share",))]
    assert [(u.feature, u.columns) for u in found.used_by] == [("risk", ("refunds_7d",))]
    assert found.served is not None and found.served.version == "1.0.0"
    risk = shop.lineage("risk")
    assert (risk.version, risk.served, risk.lineage.uses) == (None, None, ("spend", "newest"))
    assert said(risk.lineage, "ratio") == ["n of the input", "refunds_7d of the feature spend"]
    assert said(risk.lineage, "paid_twice") == ["paid of the feature newest"]
    assert said(risk.lineage, "idle") == ["the instant asked about (condition)", "n of the input"]


def test_every_engine_and_an_increment_tell_the_same(shop: mlf.Definitions, tmp_path: Path) -> None:
    defs = project(tmp_path)
    defs.build(["spend", "newest"], engine="duckdb").raise_for_failure()
    later = EVENTS.with_columns(pl.col("at") + timedelta(days=10))
    pl.concat([EVENTS, later]).write_parquet(tmp_path / "events.parquet")
    defs.build(["spend", "newest"], since="2026-01-11", engine="duckdb").raise_for_failure()
    for name in ("spend", "newest"):
        wanted = shop.metadata(name).lineage
        assert [meta.lineage for meta in defs.history(name)] == [wanted, wanted]


def test_what_was_built_before_is_told_by_the_definition(shop: mlf.Definitions, tmp_path: Path) -> None:
    defs = project(tmp_path)
    before = defs.lineage("spend")
    assert (before.version, before.recorded, before.lineage.untold) == (
        None, False, ("person_id", "at", "amount", "kind", "big"),
    )  # fmt: skip
    golden = Path(__file__).resolve().parent / "golden" / "0.9" / "store"
    old = mlf.Definitions(store=golden)
    assert old.metadata("user_spend").lineage is None
    with pytest.raises(NotFound, match="before lineage was recorded") as told:
        old.lineage("user_spend")
    assert "mlforge build --features user_spend --force" in str(told.value.hint)


def test_what_is_served_needs_no_lineage(shop: mlf.Definitions) -> None:
    with shop.online_store_of().open() as online:
        note = online.read_note("spend")
    assert note is not None and b'"lineage"' not in note


@pytest.mark.parametrize(
    ("name", "version", "error"),
    [("spent", None, Unknown), ("spend", "3.0.0", NotFound), ("risk", "1.0.0", Invalid)],
)
def test_bad_input_is_one_error(shop: mlf.Definitions, name: str, version: str | None, error: type[Exception]) -> None:
    with pytest.raises(error) as told:
        shop.lineage(name, version)
    assert getattr(told.value, "hint", None)


def test_an_online_store_that_cannot_be_asked_is_a_warning(
    shop: mlf.Definitions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "online.db"
    broken.write_text("this is no database")
    defs = mlf.Definitions(
        "shop", features=list(shop.features.values()), store=shop.root / "store", online_store=str(broken)
    )
    assert defs.lineage("spend").served is None
    assert "What is served cannot be told" in caplog.text


def typed(folder: Path, *words: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")
        return CliRunner().invoke(cli, list(words), obj=Invocation())


def test_it_is_read_in_eighty_columns(shop: mlf.Definitions) -> None:
    told = typed(shop.root, "inspect", "spend", "--lineage")
    assert max(map(len, told.stdout.splitlines())) <= 80
    for line in (
        r"source +events \(events.parquet\)", r"rows by +person_id \(key\), at \(time\)", r"sets +fraud \(share\)",
        r"used by +risk \(refunds_7d\)", r"served +1.0.0, as of", r"refunds_7d +metric +amount, kind \(filter\)",
        r"events_7d +metric +the events", r"big +made by the function: of what is not told",
        r"person_id +a surrogate key of the source's first, last",
    ):  # fmt: skip
        assert re.search(line, told.stdout), (line, told.stdout)
    request, members = (typed(shop.root, "inspect", name, "--lineage").stdout for name in ("risk", "fraud"))
    assert re.search(r"ratio +computed +n, spend.refunds_7d", request)
    assert re.search(r"spend +share +1.0.0 +events", members)


def test_it_is_a_document(shop: mlf.Definitions) -> None:
    one = json.loads(typed(shop.root, "inspect", "spend", "--lineage", "--json").stdout)
    assert one["origins"]["refunds_7d"] == [
        {"place": "source", "column": "amount"}, {"place": "source", "column": "kind", "use": "filter"},
    ]  # fmt: skip
    assert (one["untold"], one["served"]["version"]) == (["big"], "1.0.0")
    some = json.loads(typed(shop.root, "inspect", "set", "fraud", "--lineage", "--json").stdout)
    assert [f["feature"] for f in some["features"]] == ["newest", "spend", "risk"]


def test_an_entity_has_none(shop: mlf.Definitions) -> None:
    told = typed(shop.root, "inspect", "person", "--lineage")
    assert told.exit_code == 2 and "--lineage is for features and sets" in told.stderr


def test_the_catalog_draws_it(shop: mlf.Definitions) -> None:
    assert typed(shop.root, "catalog").exit_code == 0
    page = (shop.root / "site" / "features" / "spend.html").read_text()
    drawn = re.search(r'aria-label="(Lineage: [^"]+)"', page)
    assert drawn is not None
    assert "column kind, column amount" in drawn[1] or "column amount, column kind" in drawn[1]
    assert "served 1.0.0 of" in drawn[1] and "set fraud, request feature risk" in drawn[1]
    assert "Of what spend() makes big is not told." in page
