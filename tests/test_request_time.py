"""What is computed when somebody asks: derived columns, in training and in serving alike."""

import asyncio
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import mlforge as mlf
from mlforge import at, coalesce, col, days
from mlforge.cli.served import served_by_name
from mlforge.errors import Invalid, NotFound, Unknown
from mlforge.model.span import micros_of

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
LABELS = pl.DataFrame({"user_id": ["a", "b", "nobody"], "label_time": [NOON, NOON, NOON]})
PAID = {
    "days_since": (at() - col("last_paid")) / days(1),
    "cents": coalesce(col("amount") * 100, 0),
    "day": col("last_paid").cast("Date"),
}


@mlf.feature(source="paid.parquet", keys="user_id", timestamp="paid_at", max_age="2d", derived=PAID)
def payments(df: pl.DataFrame) -> pl.DataFrame:
    return df.with_columns(last_paid=pl.col("paid_at"))


@mlf.feature(
    source="paid.parquet", keys="user_id", timestamp="paid_at", interval="1d",
    metrics=mlf.Sum("amount", windows=["1d", "7d"], name="spend"),
    derived={"share": col("spend_1d") / col("spend_7d"), "today": at().cast("Date").cast("Datetime")},
)  # fmt: skip
def spend(df):
    return df


def fresh(root, engine="polars", features=(payments, spend), **more):
    instants = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 5, 3)]
    paid = pl.DataFrame({"user_id": ["a", "a", "b"], "paid_at": instants, "amount": [1, 2, 3]})
    paid.write_parquet(root / "paid.parquet")
    return mlf.Definitions("shop", list(features), "store", "online.db", engine, root=root, **more)


@pytest.fixture(scope="module", params=["polars", "duckdb"])
def shop(request, tmp_path_factory):
    """A built and published project; not to be changed."""
    made = fresh(tmp_path_factory.mktemp(request.param), request.param)
    made.build().raise_for_failure()
    made.publish(as_of="2026-01-06").raise_for_failure()
    return made


def served(shop, features, rows, now=NOON, **how):
    with shop.online_reader(features, clock=lambda: micros_of(now), **how) as reader:
        return reader.read(rows)


def test_training_has_derived_columns_as_of_each_label(shop):
    found = shop.get_training_data(LABELS, ["payments", "spend"])
    assert found.columns[2:8] == ["amount", "last_paid", "days_since", "cents", "day", "spend_1d"]
    assert found["days_since"].to_list() == [1.5, None, None]
    assert found["cents"].to_list() == [200, 0, 0], "of what is too old and of whom nobody knows: over nulls"
    assert found["day"].to_list() == [datetime(2026, 1, 5).date(), None, None]
    assert found["share"].to_list() == [2 / 3, 0.0, None]


def test_what_is_served_is_what_training_has(shop):
    offline = shop.get_training_data(LABELS, ["payments", "spend"]).rows(named=True)
    online = served(shop, ["payments", "spend"], LABELS.to_dicts())
    columns = list(online.values[0])
    assert online.values == [{c: row[c] for c in columns} for row in offline]
    assert [s["payments"] for s in online.statuses] == ["present", "expired", "missing"]
    report = shop.replay(at=NOON)
    assert report.ok
    assert report["payments"].cells == 2 * 5


def test_derived_columns_are_chosen_without_what_they_are_made_of(shop):
    chosen = [mlf.FeatureSpec("payments", columns=["day", "amount"]), mlf.FeatureSpec("spend", columns="share")]
    found, lock = shop.get_training_data(LABELS, chosen, with_lock=True)
    assert found.columns == ["user_id", "label_time", "day", "amount", "share"]
    assert_frame_equal(shop.get_training_data(LABELS, lock), found)
    assert list(served(shop, chosen, LABELS.to_dicts()).values[0]) == ["day", "amount", "share"]
    named = shop.get_training_data(LABELS, mlf.FeatureSpec("spend", columns="share"), full_names=True)
    assert named.columns[2:] == ["spend__share"]
    with pytest.raises(NotFound, match="'shar'") as error:
        shop.get_training_data(LABELS, mlf.FeatureSpec("spend", columns="shar"))
    assert "share" in error.value.hint


def test_every_kind_of_spine_gets_them_behind_its_own_columns(shop):
    odd = LABELS.with_columns(thing=pl.struct(pl.col("user_id")), nothing=None)
    spec = mlf.FeatureSpec("payments", columns="days_since")
    for spine in (odd, odd.lazy(), odd.to_arrow(), odd.to_pandas()):
        found = shop.get_training_data(spine, spec, "label_time")
        assert type(found) is type(spine)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    relation = connection.from_arrow(odd.drop("nothing").to_arrow())
    found = pl.DataFrame(
        shop.get_training_data(relation, [spec, mlf.FeatureSpec("spend", columns="today")], "label_time")
    )
    assert found["days_since"].to_list() == [1.5, None, None]
    assert found["today"].to_list() == [datetime(2026, 1, 6, tzinfo=UTC)] * 3


def test_derived_columns_are_typed_and_told_and_not_stored(shop):
    meta = shop.metadata("payments")
    assert {c.name: c.dtype for c in meta.derived} == {"days_since": "Float64", "cents": "Int64", "day": "Date"}
    assert meta.expressions == PAID
    assert "cents" not in pl.DataFrame(shop.read("payments")).columns
    with shop.online_reader("spend") as reader:
        assert {c.name: c.dtype for c in reader.schema}["share"] == "Float64"


def test_explain_computes_them_of_the_row(shop):
    found = shop.explain("payments", {"user_id": "b"}, at=NOON, columns="cents")
    assert (found.values[0].answer, found.values[0].stored, found.values[0].agrees) == (0, 300, True)
    assert shop.explain("spend", {"user_id": "a"}, at=NOON, columns="share").windows[1].events.count == 2


risk = mlf.request_feature(
    "risk",
    inputs={"asked": "Float64", "due": "Datetime", "place": "String", "n": "Int64", "is_new": "Boolean", "on": "Date"},
    uses=["payments", mlf.FeatureSpec("spend", columns=["spend_7d", "share"])],
    columns={
        "ratio": col("asked") / col("spend_7d"),
        "share_more": col("share") + 1,
        "hours_left": (col("due") - at()) / mlf.hours(1),
        "known": coalesce(col("is_new"), col("days_since").is_null()),
        "next": col("n") + col("cents"),
        "where": col("place").strip().upper(),
        "same_day": col("on").eq(col("day")),
    },
    fields=mlf.Field("ratio", "Asked for, of a week's spending", unit="1"),
    description="How unusual it is.",
    tags="risk",
)  # fmt: skip
INPUTS = {
    "asked": [1.5, 3.0, None], "due": [NOON, None, datetime(2026, 1, 7, 12, tzinfo=UTC)],
    "place": [" Bern ", None, "é"],
    "n": [2**62, None, -1], "is_new": [True, None, False], "on": [datetime(2026, 1, 5).date(), None, None],
}  # fmt: skip


@pytest.fixture(scope="module")
def risky(shop):
    return mlf.Definitions(
        "shop", [payments, spend, risk], "store", "online.db", shop.engine, root=shop.root
    )  # fmt: skip


def with_inputs(**changes):
    columns = {name: pl.Series(name, values) for name, values in (INPUTS | changes).items()}
    return LABELS.with_columns(**columns)


def test_a_request_feature_is_computed_of_the_spine_and_of_stored_features(risky):
    found = risky.get_training_data(with_inputs(), "risk", "label_time")
    assert found.columns[-7:] == list(risk.columns)
    assert found["ratio"].to_list() == [0.5, 1.0, None]
    assert found["share_more"].to_list() == [2 / 3 + 1, 1.0, None]
    assert found["hours_left"].to_list() == [0.0, None, 24.0]
    assert found["known"].to_list() == [True, True, False]
    assert found["next"].to_list() == [2**62 + 200, None, -1]
    assert found["where"].to_list() == ["BERN", None, "É"]
    assert found["same_day"].to_list() == [True, None, None]


def test_a_request_is_answered_with_what_training_has(risky):
    offline = risky.get_training_data(with_inputs(), ["risk", "spend"], "label_time").rows(named=True)
    rows = [dict(zip(INPUTS, values, strict=True)) for values in zip(*INPUTS.values(), strict=True)]
    asked = [{"user_id": user, **row} for user, row in zip(LABELS["user_id"], rows, strict=True)]
    online = served(risky, ["risk", "spend"], asked)
    assert online.values == [{c: row[c] for c in (*online.values[0],)} for row in offline]
    assert list(online.values[0]) == ["spend_1d", "spend_7d", "share", "today", *risk.columns]
    assert [s["risk"] for s in online.statuses] == ["present", "expired", "missing"]
    table = risky.get_online_features("risk", with_inputs().drop("label_time"), with_status=True)
    assert table.values["ratio"].to_list()[2] is None
    assert table.values.columns[:7] == ["user_id", *INPUTS]


def test_a_lock_makes_the_same_set_again_whatever_is_defined_now(risky, shop):
    found, lock = risky.get_training_data(
        with_inputs(), mlf.FeatureSpec("risk", columns="ratio"), "label_time", with_lock=True
    )
    assert [(p.name, p.version, p.answered) for p in lock.pins] == [("spend", "1.0.0", False)]
    again = shop.get_training_data(with_inputs(), mlf.Lock.decode(lock.encode()), "label_time")
    assert_frame_equal(again, found)


@pytest.fixture(scope="module")
def sets(shop):
    """The project with sets that have request features, by name and as they are."""
    named = mlf.FeatureSet("fraud", features=["spend", mlf.FeatureSpec("risk", columns=["ratio", "where"])])
    alone = mlf.FeatureSet("alone", features=risk)
    return mlf.Definitions(
        "shop", [payments, spend, risk, lone], "store", "online.db", shop.engine, root=shop.root,
        feature_sets=[named, alone, mlf.FeatureSet("nothing", features="lone")],
    )  # fmt: skip


lone = mlf.request_feature("lone", inputs={"n": "Int64"}, columns={"twice": col("n") * 2})


def test_a_set_names_request_features_wherever_a_set_stands(sets, shop):
    found = sets.get_training_data(with_inputs(), "fraud", "label_time")
    assert found.columns[-6:] == ["spend_1d", "spend_7d", "share", "today", "ratio", "where"]
    assert found["ratio"].to_list() == [0.5, 1.0, None]
    row = {"user_id": "a", **dict.fromkeys(INPUTS), "asked": 1.5}
    assert served(sets, "fraud", [row]).values[0]["ratio"] == 0.5
    assert served(sets, ["alone"], [row]).values[0]["ratio"] == 0.5
    assert [r.feature for r in sets.build("fraud")] == ["spend", "payments"], "and what is computed of"
    assert [r.feature for r in sets.publish("alone", as_of="2026-01-06")] == ["payments", "spend", "risk"]
    report = sets.replay("fraud", at=NOON)
    assert report.ok, report
    assert [r.feature for r in report] == ["spend", "payments", "risk"]
    assert [r.feature for r in sets.replay("nothing", at=NOON)] == ["lone"]
    with pytest.raises(Invalid, match="'nothing' is computed when it is asked for"):
        sets.build("nothing")


def test_a_set_has_nothing_of_its_own_to_look_into(sets):
    for verb in (sets.read, sets.drift, lambda name: sets.explain(name, {"user_id": "a"})):
        with pytest.raises(Invalid, match="'fraud' is a feature set") as error:
            verb("fraud")
        assert error.value.hint == "Name one of its features: spend, payments."


def test_a_set_with_request_features_needs_no_definitions(sets, shop):
    of_objects = mlf.FeatureSet("fraud", features=["spend", risk])
    store, online = shop.settings().offline_store, shop.settings().online_store
    found = mlf.get_training_data(with_inputs(), of_objects, "label_time", store=store, engine=shop.engine)
    assert found["ratio"].to_list() == [0.5, 1.0, None]
    row = {"user_id": "nobody", **dict.fromkeys(INPUTS)}
    assert mlf.get_online_features(of_objects, [row], store=online)[0]["ratio"] is None


def test_a_request_feature_that_was_published_is_known_by_its_name(sets, shop, monkeypatch):
    assert [(r.feature, r.status) for r in sets.publish("nothing")] == [("lone", "published")]
    assert [(r.feature, r.status) for r in sets.publish(["risk", "lone"])][1:] == [("lone", "unchanged")]
    online, row = shop.settings().online_store, {"user_id": "nobody", **dict.fromkeys(INPUTS), "n": 4}
    assert mlf.get_online_features(["spend", "risk", "lone"], [row], store=online)[0]["twice"] == 8
    found = asyncio.run(mlf.aget_online_features(mlf.FeatureSpec("risk", columns="ratio"), [row], store=online))
    assert found[0]["ratio"] is None
    (shop.root / "mlforge.yaml").write_text("profiles: {here: {online_store: {KIND: sqlite, path: online.db}}}")
    with online.open() as opened:
        by_name = served_by_name(("lone", "spend"), "here", shop.root).as_noted(opened)
    assert list(by_name.requests) == ["lone"]
    (shop.root / "mlforge.yaml").unlink()
    lock, store = sets.lock("fraud"), shop.settings().offline_store
    frame = mlf.get_training_data(with_inputs(), ["risk"], "label_time", store=store, engine=shop.engine, lock=lock)
    assert frame["ratio"].to_list() == [0.5, 1.0, None]
    other = mlf.request_feature("lone", inputs={"n": "Int64"}, columns={"twice": col("n") * 3})
    again = mlf.Definitions("shop", [other], "store", "online.db", shop.engine, root=shop.root)
    assert again.publish("lone")["lone"].status == "published"
    assert mlf.get_online_features("lone", [{"n": 4}], store=online) == [{"n": 4, "twice": 12}]


def test_a_lock_of_a_set_pins_what_a_request_feature_was_defined_as(sets, shop):
    lock = sets.lock("fraud")
    assert (lock.name, [pin.name for pin in lock.requests]) == ("fraud", ["risk"])
    assert lock.requests[0].definition == sets.lock("alone").requests[0].definition
    other = mlf.request_feature("risk", inputs=risk.inputs, uses=risk.uses, columns={"ratio": col("asked") / 2})
    again = mlf.Definitions("shop", [payments, spend, other], "store", "online.db", shop.engine, root=shop.root)
    assert again.lock("risk").requests[0].definition != lock.requests[0].definition
    held = again.get_training_data(with_inputs(), lock, "label_time")
    assert_frame_equal(held, sets.get_training_data(with_inputs(), "fraud", "label_time"))


def test_a_plan_tells_of_request_features_and_what_locks_have_of_them(sets, shop):
    lock = sets.lock("fraud")
    quiet = sets.plan(locks=[lock])
    assert [(f.feature, f.status) for f in quiet][-2:] == [("risk", "computed"), ("lone", "computed")]
    assert {e.name: (e.standing, e.why) for e in quiet.sets} == dict.fromkeys(sets.feature_sets, ("holds", ()))
    assert [f.feature for f in sets.plan("alone")] == ["payments", "spend", "risk"]

    columns = {**risk.columns, "ratio": col("asked") / 2, "more": col("n") + 1}
    other = mlf.request_feature("risk", inputs=risk.inputs, uses=risk.uses, columns=columns)
    again = mlf.Definitions("shop", [payments, spend, other], "store", "online.db", shop.engine, root=shop.root)
    (told,) = again.plan("risk", locks=[lock]).locks
    changed = "risk is computed otherwise now (+ more, ~ ratio); the lock computes it as it was."
    assert [why for why in told.why if "risk" in why] == [changed]
    assert not [why for one in quiet.locks for why in one.why if "risk" in why]
    (told,) = shop.plan(locks=[lock]).locks
    assert told.why[-1] == "risk is not defined any more; the lock computes it as it was."
    wrong = mlf.request_feature("risk", uses="payments", columns={"x": col("cents") + col("day")})
    broken = mlf.Definitions(
        "shop", [payments, wrong], "store", "online.db", shop.engine, root=shop.root,
        feature_sets=[mlf.FeatureSet("fraud", features="risk")],
    ).plan()  # fmt: skip
    assert "'risk' cannot compute x: add" in broken["risk"].failure.message
    assert [(e.standing, "cannot be computed" in e.why[0]) for e in broken.sets] == [("breaks", True)]


@pytest.mark.parametrize(
    ("members", "says", "hint"),
    [
        ([("risk", "1.0.0")], "no version 1.0.0", "'risk'"),
        ([mlf.FeatureSpec("risk", columns="rato")], "no column 'rato'", "ratio"),
        (["rsk"], "names 'rsk', and there is no such feature", "risk"),
        (["risk", risk], "names 'risk' twice", "once"),
        ([mlf.request_feature("risk", columns={"x": at().hour()})], "another 'risk' than the definitions", "Name it"),
    ],
)
def test_what_a_set_cannot_have_of_request_features_is_refused(shop, members, says, hint):
    with pytest.raises((Invalid, NotFound, Unknown), match=says) as error:
        mlf.Definitions(
            "shop", [payments, spend, risk], root=shop.root, feature_sets=[mlf.FeatureSet("fraud", features=members)]
        )
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        ({"columns": {"x": col("nothing")}}, "What 'made' is computed of has no column 'nothing'", "share"),
        ({"uses": mlf.FeatureSpec("spend", columns="spend_2d")}, "'spend', used by 'made', has no column", "spend_1d"),
        ({"inputs": {"spend_1d": "Int64"}}, "an input 'spend_1d', which is a column of 'spend'", "otherwise"),
        ({"uses": ["spend", "counts"]}, "'spend' and 'counts', which both have a column 'spend_1d'", "uses="),
        ({"uses": "counts", "columns": {"x": col("visits_1d") + "a"}}, "'made' cannot compute x: add", ""),
    ],
)
def test_what_a_request_feature_cannot_read_is_refused_where_the_definitions_tell_it(given, says, hint):
    metrics = [mlf.Count(windows="1d", name="visits"), mlf.Sum("amount", windows="1d", name="spend")]
    counts = mlf.feature(
        source="paid.parquet", keys="user_id", timestamp="paid_at", name="counts", interval="1d", metrics=metrics
    )(payments_of)
    made = mlf.request_feature("made", **({"uses": "spend", "columns": {"x": at().hour()}} | given))
    with pytest.raises(Invalid, match=says) as error:
        mlf.Definitions("shop", [payments, spend, counts, made])
    assert hint in error.value.hint


def test_a_lock_is_served_as_the_definition_it_was_made_of(risky, shop):
    held = risky.lock(["risk", mlf.FeatureSpec("payments", columns=["cents"])])
    assert [(p.name, p.answered) for p in held.pins] == [("payments", True), ("payments", False), ("spend", False)]
    assert risky.check_lock(held).ok
    row = {"user_id": "a", **dict.fromkeys(INPUTS), "asked": 1.5}
    locked = served(shop, (), [row], lock=mlf.Lock.decode(held.encode()))
    assert (locked.values[0]["cents"], locked.values[0]["ratio"]) == (200, 0.5)
    with pytest.raises(Invalid, match="'risk'"):
        served(risky, "risk", [row], lock=shop.lock("payments"))


def test_request_features_are_replayed_with_inputs_by_chance(risky):
    report = risky.replay(at=NOON)
    assert report.ok, report
    assert [r.feature for r in report] == ["payments", "spend", "risk"]
    assert report["risk"].cells == 2 * 7
    assert [r.feature for r in risky.replay("risk", at=NOON, seed=3)] == ["risk"]
    pinned = mlf.request_feature("pinned", uses="spend@9.0.0", columns={"x": col("share")})
    other = mlf.Definitions("shop", [pinned], "store", "online.db", risky.engine, root=risky.root)
    assert "9.0.0" in other.replay(at=NOON)["pinned"].failure.message


def test_a_replay_draws_integers_of_which_what_is_computed_fits(risky):
    products = {"cube": col("n") * col("n") * col("n"), "far": col("n") * (col("cents") + 2**55)}
    large = mlf.request_feature("large", inputs={"n": "Int64"}, uses="payments", columns=products)
    assert mlf.Definitions("shop", [large], "store", "online.db", risky.engine, root=risky.root).replay(at=NOON).ok
    never = mlf.request_feature("never", uses="payments", columns={"x": col("cents") + 2**63 - 1})
    other = mlf.Definitions("shop", [never], "store", "online.db", risky.engine, root=risky.root)
    assert "overflow" in other.replay(at=NOON)["never"].failure.message


def test_a_replay_of_an_instant_before_what_was_published_says_so(risky):
    found = risky.replay("payments", at="2026-01-02")["payments"]
    assert {cell.why for cell in found.differences} == {"what was published begins at 2026-01-06T00:00:00Z"}


def test_a_replay_of_no_entities_is_refused_of_whatever(risky):
    for name in ("payments", "risk"):
        with pytest.raises(Invalid, match="A sample of 0 entities"):
            risky.replay(name, sample=0)


def test_without_a_source_or_a_feature_there_is_still_an_answer(shop):
    lone = mlf.request_feature("lone", inputs={"n": "Int64"}, columns={"late": at().hour() > 11, "twice": col("n") * 2})
    spine = LABELS.with_columns(n=pl.Series([1, None, 3], dtype=pl.UInt8))
    assert shop.get_training_data(spine, lone)["late"].to_list() == [True] * 3
    found = served(shop, lone, [{"n": 4}, {"n": None}])
    assert found == ([{"late": True, "twice": 8}, {"late": True, "twice": None}], [{"lone": "present"}] * 2)


def test_its_columns_are_typed_and_described(risky):
    with risky.online_reader("risk", full_names=True) as reader:
        column = reader.schema.get("risk__ratio")
    assert (column.dtype, column.unit) == ("Float64", "1")
    assert risky.list_request_features() == [risk]


@pytest.mark.parametrize(
    ("changes", "says", "hint"),
    [
        ({"asked": ["1"] * 3}, "'asked' as Float64", "Cast 'asked'"),
        ({"n": [1.5] * 3}, "'n' as Int64", "Cast 'n'"),
        ({"place": [None] * 3}, "'place' as String", "Cast 'place'"),
        ({"on": [NOON] * 3}, "'on' as Date", "Cast 'on'"),
        ({"is_new": [1] * 3}, "'is_new' as Boolean", "Cast 'is_new'"),
    ],
)
def test_inputs_of_a_spine_that_are_of_another_type_are_refused(risky, changes, says, hint):
    with pytest.raises(Invalid, match=says) as error:
        risky.get_training_data(with_inputs(**changes), "risk", "label_time")
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"asked": "1"}, "'asked' of entity 1 is '1'"),
        ({"asked": True}, "is True"),
        ({"asked": 10**400}, "Float64"),
        ({"n": 1.0}, "Int64"),
        ({"n": 2**63}, "Int64"),
        ({"on": NOON}, "Date"),
        ({"due": "2026-01-01"}, "Datetime"),
        ({"is_new": 1}, "Boolean"),
        ({"place": b"x"}, "String"),
    ],
)
def test_inputs_of_a_request_that_are_of_another_type_are_refused(risky, changes, says):
    row = {"user_id": "a", **dict.fromkeys(INPUTS)}
    with pytest.raises(Invalid, match=says) as error:
        risky.get_online_features("risk", [row, row | changes])
    assert error.value.hint


@pytest.mark.parametrize("missing", [pd.NaT, pd.NA, np.datetime64("NaT", "us")], ids=repr)
def test_what_pandas_writes_for_no_value_is_a_null_input(risky, missing):
    row = {"user_id": "a", **dict.fromkeys(INPUTS)}
    values = served(risky, "risk", [row, {"user_id": "a", **dict.fromkeys(INPUTS, missing)}]).values
    assert values[0] == values[1]


def test_an_input_that_is_missing_is_named_with_the_nearest(risky):
    row = {"user_id": "a", **dict.fromkeys(INPUTS)}
    row["askd"] = row.pop("asked")
    with pytest.raises(Invalid, match="input 'asked', which entity 0 does not have") as error:
        risky.get_online_features("risk", [row])
    assert "'askd'" in error.value.hint
    with pytest.raises(Invalid, match="input 'asked', which the spine does not have") as error:
        risky.get_training_data(with_inputs().rename({"asked": "askd"}), "risk", "label_time")
    assert "'askd'" in error.value.hint
    with pytest.raises(Invalid, match="input 'asked', which the table does not have"):
        risky.get_online_features("risk", with_inputs().drop("asked"))


def test_a_request_feature_has_nothing_to_build_or_look_into(risky):
    looks = [risky.read, risky.metadata, risky.quality, risky.drift, risky.history, risky.version_summaries]
    looks += [lambda name: risky.explain(name, {"user_id": "a"}), lambda name: risky.diff(name, "1.0.0", "1.0.1")]
    looks += [lambda name: risky.rollback(name, "1.0.0"), lambda name: risky.prune(name, keep=1)]
    for verb in (risky.build, risky.validate, *looks):
        with pytest.raises(Invalid, match="'risk' is computed when it is asked for") as error:
            verb("risk")
        assert "get_online_features" in error.value.hint
    with pytest.raises(Invalid, match="no version 1"):
        risky.get_training_data(with_inputs(), "risk@1.0.0", "label_time")
    with pytest.raises(NotFound, match="'rato'") as error:
        risky.get_online_features(mlf.FeatureSpec("risk", columns="rato"), [{}])
    assert "ratio" in error.value.hint


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        ({"columns": {"x": col("nothing")}}, "no column 'nothing'", "cents"),
        ({"columns": {"x": col("cents") + col("day")}}, "x: add", "length"),
        (
            {"inputs": {"cents": "Int64"}, "columns": {"x": col("cents")}},
            "input 'cents', which is a column",
            "otherwise",
        ),
        (
            {"uses": ["payments", "spend_again"], "columns": {"x": col("amount")}},
            "both have a column 'spend_7d'",
            "uses=",
        ),
        ({"uses": ["spend@9.0.0"], "columns": {"x": col("share")}}, "9.0.0", "1.0.0"),
        ({"uses": ["nobody"], "columns": {"x": col("share")}}, "nobody", ""),
    ],
)
def test_what_a_request_feature_cannot_read_is_refused(shop, given, says, hint):
    if "spend_again" in given.get("uses", ()):
        again = mlf.feature(
            source="paid.parquet", keys="user_id", timestamp="paid_at", name="spend_again", interval="1d",
            metrics=mlf.Sum("amount", windows="7d", name="spend"),
        )(payments_of)  # fmt: skip
        mlf.Definitions("shop", [again], "store", root=shop.root).build().raise_for_failure()
        given = given | {"uses": ["spend", "spend_again"]}
    made = mlf.request_feature("made", **({"uses": "payments"} | given))
    spine = LABELS.with_columns(cents=1)
    with pytest.raises((Invalid, NotFound), match=says) as error:
        shop.get_training_data(spine, made, "label_time")
    assert hint in error.value.hint


def test_what_a_column_means_is_told_wherever_it_is_seen_and_changes_no_version(tmp_path):
    def made(*fields):
        columns = {"cents": col("amount") * 100}
        feature = mlf.feature(
            source="paid.parquet", keys="user_id", timestamp="paid_at", name="f", derived=columns, fields=list(fields)
        )
        return mlf.Definitions("shop", [feature(payments_of)], "store", "online.db", root=tmp_path)

    fresh(tmp_path)
    fields = [
        mlf.Field("amount", "The last payment", unit="USD"),
        mlf.Field("cents", unit="¢"),
        mlf.Field("user_id", "Who"),
    ]
    shop = made(*fields)
    shop.build().raise_for_failure()
    meta = shop.metadata("f")
    told = {c.name: (c.description, c.unit) for c in (*meta.columns, *meta.derived)}
    assert told["amount"] == ("The last payment", "USD")
    assert (told["cents"], told["user_id"]) == ((None, "¢"), ("Who", None))
    assert made().build()["f"].status == "unchanged"
    refused = made(mlf.Field("amuont")).build(force=True)["f"].failure
    assert "no column 'amuont'" in refused.message
    assert "'amount'" in refused.hint


def derived(**columns):
    return mlf.feature(source="paid.parquet", keys="user_id", timestamp="paid_at", name="f", derived=columns)(
        payments_of
    )


def payments_of(df: pl.DataFrame) -> pl.DataFrame:
    return df


def test_a_version_tells_what_changed_of_derived_columns(tmp_path):
    versions = []
    for columns in (
        {"a": col("amount") * 2},
        {"a": col("amount") * 2},
        {"a": col("amount") * 3},
        {"a": col("amount") * 3, "b": col("amount") > 1},
        {"a": col("amount") * 3.0, "b": col("amount") > 1},
        {"a": col("amount") * 3.0},
        {"a": col("amount") * 4.0},
    ):
        shop = fresh(tmp_path, features=[derived(**columns)]) if not versions else mlf.Definitions(
            "shop", [derived(**columns)], "store", root=tmp_path
        )  # fmt: skip
        planned = shop.build(dry_run=True)["f"]
        result = shop.build()["f"]
        versions.append((result.version, result.change.reason if result.change else None))
        assert result.change is None or planned.change.bump in (result.change.bump, "minor")
    assert versions == [
        ("1.0.0", "first_build"), ("1.0.0", None), ("1.1.0", "logic_changed"), ("1.2.0", "added_columns"),
        ("2.0.0", "changed_dtypes"), ("3.0.0", "removed_columns"), ("3.1.0", "logic_changed"),
    ]  # fmt: skip
    assert shop.diff("f", "1.2.0", "3.0.0").columns == {"a": ("Int64", "Float64"), "b": ("Boolean", None)}


@pytest.mark.parametrize(
    ("columns", "says", "hint"),
    [
        ({"x": col("amuont")}, "'amuont'", "Did you mean 'amount'"),
        ({"Amount": col("amount")}, "column 'amount'", "another name"),
        ({"x": col("amount") + "a"}, "x: add", "floats"),
        ({"x": at() - col("amount")}, "x: sub", "length"),
    ],
)
def test_what_cannot_be_derived_is_refused_before_anything_is_written(tmp_path, columns, says, hint):
    shop = fresh(tmp_path, features=[derived(**columns)])
    for result in (shop.build()["f"], shop.validate()["f"]):
        assert says in result.failure.message
        assert hint in result.failure.hint
    assert shop.list_versions("f") == []


def test_at_needs_a_time_to_ask_about(tmp_path):
    made = mlf.feature(source="paid.parquet", keys=["user_id", "paid_at"], name="f", derived={"now": at()})(payments_of)
    shop = fresh(tmp_path, features=[made])
    shop.build().raise_for_failure()
    spine = LABELS.rename({"label_time": "asked"}).with_columns(paid_at=datetime(2026, 1, 5, tzinfo=UTC))
    assert shop.get_training_data(spine, mlf.FeatureSpec("f", columns="now"))["now"].to_list() == [NOON] * 3
    with pytest.raises(Invalid, match="time") as error:
        shop.get_training_data(spine.drop("asked"), mlf.FeatureSpec("f", columns="now"))
    assert "timestamp=" in error.value.hint
