"""What is measured of a build, what drifts, and what is said of it."""

import re
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import polars as pl
import pytest
from click.testing import CliRunner

import mlforge as mlf
import mlforge.validators as v
from mlforge.cli.app import cli
from mlforge.cli.invocation import Invocation
from mlforge.errors import Invalid, NotFound, Unknown
from mlforge.flow.building import measure
from mlforge.model.check import Validator
from mlforge.model.meta import FeatureMeta
from toy_plugin.figures import mostly_known

START = datetime(2026, 1, 1, tzinfo=UTC)


def visits(days, shift=0.0, rows=1200, plans=("free", "pro"), seed=0):
    """So many days of visits, whose minutes may be others than they were."""
    draw = Random(seed)
    return pl.DataFrame(
        {
            "user": [f"u{n % 40}" for n in range(rows)],
            "at": [START + timedelta(days=days * n / rows) for n in range(rows)],
            "minutes": [None if n % 10 == 0 else draw.gauss(20 + shift, 4) for n in range(rows)],
            "plan": [draw.choice(plans) for _ in range(rows)],
        }
    )


def project(folder, **options):
    @mlf.feature(source="visits.parquet", keys="user", timestamp="at", **options)
    def visit(df):
        return df

    return mlf.Definitions("shop", features=[visit], store=mlf.LocalStore("store"), root=folder)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A feature of two versions, of which the second has other minutes and a plan that is new; not to be changed."""
    folder = tmp_path_factory.mktemp("quality")
    defs = project(folder)
    for seed, shift, plans in ((0, 0.0, ("free", "pro")), (1, 6.0, ("free", "pro", "<b>max</b>"))):
        visits(30, shift, seed=seed, plans=plans).write_parquet(folder / "visits.parquet")
        defs.build().raise_for_failure()
    return defs


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_build_measures_its_rows_alike_on_every_engine(shop, tmp_path, engine):
    visits(30, 6.0, seed=1, plans=("free", "pro", "<b>max</b>")).write_parquet(tmp_path / "visits.parquet")
    defs = project(tmp_path)
    defs.build(engine=engine).raise_for_failure()
    mine, theirs = defs.quality("visit"), shop.quality("visit")
    assert (mine.rows, mine.entities, mine.latest_event) == (1200, 40, theirs.latest_event)
    for a, b in zip(mine.columns, theirs.columns, strict=True):
        near = {"mean": None, "std": None, "quantiles": (), "histogram": None}
        assert msgspec.structs.replace(a, **near) == msgspec.structs.replace(b, **near)
        if b.mean is not None:
            assert (a.mean, a.std) == (pytest.approx(b.mean, rel=1e-9), pytest.approx(b.std, rel=1e-9))


def test_edges_stay_from_version_to_version(shop):
    first, second = (shop.quality("visit", v).column("minutes").histogram for v in shop.list_versions("visit"))
    assert first.edges == second.edges
    assert first.total == second.total == 1080


@pytest.mark.parametrize("how", ["argument", "profile"])
def test_measuring_can_be_turned_off_and_is_then_missed_with_a_hint(tmp_path, how):
    visits(30, rows=50).write_parquet(tmp_path / "visits.parquet")
    if how == "profile":
        (tmp_path / "mlforge.yaml").write_text("default_profile: dev\nprofiles:\n  dev:\n    quality: false\n")
    defs = project(tmp_path)
    defs.build(quality=False if how == "argument" else None).raise_for_failure()
    assert defs.metadata("visit").quality is None
    with pytest.raises(NotFound, match="without being measured") as caught:
        defs.quality("visit")
    assert caught.value.hint.endswith("mlforge build --features visit --force")


def test_an_increment_is_measured_with_what_it_continues(tmp_path):
    defs = project(tmp_path)
    visits(30).head(900).write_parquet(tmp_path / "visits.parquet")
    defs.build().raise_for_failure()
    visits(30).write_parquet(tmp_path / "visits.parquet")
    defs.build(since=START + timedelta(days=22, hours=12)).raise_for_failure()
    assert len(defs.metadata("visit").parts) == 2
    grown = defs.quality("visit")
    defs.build(full_refresh=True).raise_for_failure()
    whole = defs.quality("visit")
    assert (grown.rows, grown.columns) == (1200, whole.columns)


def test_metadata_of_an_earlier_mlforge_has_no_figures_and_is_read(shop):
    meta = shop.metadata("visit")
    old = msgspec.json.encode(msgspec.structs.replace(meta, quality=None))
    assert b"quality" not in old
    assert msgspec.json.decode(old, type=FeatureMeta).quality is None


def test_what_is_shown_in_a_notebook_is_escaped(shop):
    for shown in (shop.quality("visit")._repr_html_(), shop.drift("visit")._repr_html_()):
        assert "&lt;b&gt;max" in shown
        assert "<b>" not in shown


@pytest.mark.parametrize("method", ["psi", "js", "chi2", "ks", "wasserstein"])
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_another_mean_is_a_drift_by_every_method(shop, method, engine):
    report = shop.drift("visit", method=method, engine=engine)
    minutes, plan = report.column("minutes"), report.column("plan")
    assert (minutes.drifted, minutes.null_rates) == (True, (0.1, 0.1))
    assert minutes.distance > minutes.limit
    if method in ("ks", "wasserstein"):
        assert not plan.drifted
        assert "needs an order" in plan.reason
    else:
        assert plan.drifted
        assert plan.new_values == ("<b>max</b>",)


@pytest.mark.parametrize("method", ["psi", "js", "chi2", "ks", "wasserstein"])
def test_rows_of_one_distribution_have_not_drifted(shop, method):
    assert shop.drift("visit", since=START + timedelta(days=15), method=method).ok
    assert shop.drift("visit", version="1.0.0", frame=visits(9, seed=7), method=method).ok


def test_more_nulls_and_a_constant_that_moves_are_drifts(tmp_path):
    defs = project(tmp_path)
    rows = pl.DataFrame({"user": range(400), "at": [START] * 400, "x": [1.5] * 400, "flag": [True, False] * 200})
    rows.write_parquet(tmp_path / "visits.parquet")
    defs.build().raise_for_failure()
    frame = rows.with_columns(x=pl.lit(2.5), flag=pl.when(pl.col("user") % 2 == 0).then(pl.col("flag")))
    x, flag = defs.drift("visit", frame=frame).columns
    assert (x.drifted, flag.drifted, flag.null_rates) == (True, True, (0.0, 0.5))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("method", ["psi", "js", "chi2", "ks", "wasserstein"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([None] * 400, [1.0] * 400),
        ([float("nan")] * 400, [1.0] * 400),
        ([1.7e308, -1.7e308] * 200, [0.0] * 400),
        ([1.0] * 400, [None] * 400),
    ],
    ids=["none were known", "none was a number", "too far apart for a float", "none is known"],
)
def test_values_come_and_go(tmp_path, method, engine, before, after):
    defs = project(tmp_path)
    rows = pl.DataFrame({"user": range(400), "at": [START] * 400, "x": before}, schema_overrides={"x": pl.Float64})
    rows.write_parquet(tmp_path / "visits.parquet")
    defs.build(engine=engine).raise_for_failure()
    frame = rows.with_columns(x=pl.Series(after, dtype=pl.Float64))
    assert defs.drift("visit", frame=rows, method=method, engine=engine).ok
    (x,) = defs.drift("visit", frame=frame, method=method, engine=engine).columns
    assert x.drifted, x.reason


@pytest.mark.parametrize(
    ("method", "column", "others", "drifted", "reason"),
    [
        ("psi", "x", ["a"] * 400, True, "it was Float64 and is String"),
        ("psi", "x", [None] * 400, True, "psi"),
        ("psi", "empty", [None] * 400, False, "both have nothing but nulls"),
        ("psi", "many", [[2]] * 400, False, "values of type List(Int64) are not compared"),
        ("ks", "flag", [True] * 400, False, "needs an order: compare it with psi, js or chi2"),
        ("wasserstein", "x", [float("nan")] * 400, True, "one of them has no finite values"),
    ],
)
def test_what_is_no_matter_of_distances_is_said_in_words(tmp_path, method, column, others, drifted, reason):
    defs = project(tmp_path)
    columns = {"x": [1.0, 2.0] * 200, "empty": [None] * 400, "many": [[1]] * 400, "flag": [True, False] * 200}
    types = {"x": pl.Float64, "empty": pl.Float64, "many": pl.List(pl.Int64), "flag": pl.Boolean}
    rows = pl.DataFrame({"user": range(400), "at": [START] * 400} | columns, schema_overrides=types)
    rows.write_parquet(tmp_path / "visits.parquet")
    defs.build().raise_for_failure()
    dtype = pl.String if "a" in others else types[column]
    report = defs.drift("visit", frame=rows.with_columns(pl.Series(column, others, dtype=dtype)), method=method)
    found = report.column(column)
    assert found.drifted is drifted
    assert reason in found.reason
    assert all(not other.drifted for other in report.columns if other.column != column)
    none = defs.drift("visit", frame=rows.clear(), method=method).column("x")
    assert (none.drifted, none.reason) == (False, "there are no rows to compare")


def test_few_rows_do_not_alarm(shop):
    report = shop.drift("visit", version="1.0.0", frame=visits(9, shift=1.0, rows=12))
    assert report.ok
    assert "which chance may do to 1,200 and 12 values" in report.column("minutes").reason


def test_what_cannot_be_compared_is_refused_with_a_way_out(shop):
    with pytest.raises(NotFound, match="first version") as caught:
        shop.drift("visit", version="1.0.0")
    assert caught.value.hint.endswith(": mlforge drift visit --version 1.0.0 --since 7d")
    with pytest.raises(Invalid, match="Both against and since"):
        shop.drift("visit", "1.0.0", since="7d")
    with pytest.raises(NotFound, match="no column 'minute'") as caught:
        shop.drift("visit", columns=["minute"])
    assert "minutes" in caught.value.hint
    with pytest.raises(Unknown, match="no method 'psy'"):
        shop.drift("visit", method="psy")
    with pytest.raises(Invalid, match="frame has no column"):
        shop.drift("visit", frame=visits(1).drop("plan"))
    with pytest.raises(NotFound, match="has not been built"):
        project(shop.root / "elsewhere").drift("visit")


def test_a_first_version_without_a_time_is_not_sent_to_ranges_of_time(tmp_path):
    visits(1).unique("user").write_parquet(tmp_path / "visits.parquet")
    timeless = mlf.feature(source="visits.parquet", keys="user", name="visit")(lambda df: df)
    defs = mlf.Definitions("shop", features=[timeless], store=mlf.LocalStore("store"), root=tmp_path)
    defs.build().raise_for_failure()
    with pytest.raises(NotFound, match="first version") as caught:
        defs.drift("visit")
    assert "--since" not in caught.value.hint


def test_columns_that_only_one_version_has_are_told_of_and_the_others_compared(tmp_path):
    defs = project(tmp_path)
    rows = visits(9).rename({"minutes": "minutes (all)"})
    for more in ({"old": pl.lit("a")}, {"fee": pl.lit(2.0)}):
        rows.with_columns(**more).write_parquet(tmp_path / "visits.parquet")
        defs.build().raise_for_failure()
    report = defs.drift("visit")
    assert [c.column for c in report.columns if c.distance is not None] == ["minutes (all)", "plan"]
    before, after = report.reference, report.compared
    lacking = {"fee": f"{before} has no such column", "old": f"{after} has no such column"}
    assert {c.column: c.reason for c in report.uncompared} == lacking
    assert report.ok
    with pytest.raises(Invalid, match="has no column 'fee'") as caught:
        defs.drift("visit", columns=["plan", "minutes (all)", "fee"])
    assert caught.value.hint.endswith("--columns 'plan,minutes (all)'")
    with pytest.raises(Invalid, match="has no column 'fee'") as caught:
        defs.drift("visit", columns=["fee"])
    assert "--against" in caught.value.hint


@pytest.fixture
def said(shop, monkeypatch):
    """What `mlforge` says about the shop, and its exit code."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(Invocation, "definitions", lambda self, target=None: shop)

    def call(*words):
        result = CliRunner().invoke(cli, list(words), obj=Invocation())
        return result.exit_code, result.stdout

    return call


def test_the_command_line_shows_figures_and_draws_them(said):
    code, out = said("quality", "visit")
    assert code == 0
    line = next(line for line in out.splitlines() if line.split()[:1] == ["minutes"])
    assert "10.0%" in line
    assert "█" in line
    code, out = said("quality", "visit", "--version", "1.0.0", "--json")
    assert msgspec.json.decode(out)["columns"][2]["nulls"] == 120


def test_a_drift_fails_a_pipeline_only_where_it_is_asked_to(said):
    code, out = said("drift", "visit")
    assert (code, "2 of 2 columns drifted." in out) == (0, True)
    assert said("drift", "visit", "--fail")[0] == 1
    assert said("drift", "visit", "--fail", "--since", "2026-01-15")[0] == 0
    assert said("drift", "visit", "--fail", "--since", "2026-01-15", "--method", "ks")[0] == 0
    code, out = said("drift", "visit", "--json", "--columns", "plan", "--method", "chi2")
    assert [c["column"] for c in msgspec.json.decode(out)["columns"]] == ["plan"]


@pytest.mark.parametrize("more", [("--since", "2099-01-01"), ("--method", "ks", "--columns", "plan")])
def test_what_could_not_be_compared_is_not_told_as_steady_and_fails_a_pipeline(said, more):
    code, out = said("drift", "visit", *more)
    assert code == 0
    assert "steady" not in out
    assert "not compared" in out
    assert re.search(r"0 of [12] columns? drifted; [12] could not be compared\.", out)
    assert said("drift", "visit", *more, "--fail")[0] == 1


def test_columns_and_thresholds_that_are_none_are_refused(shop):
    assert [c.column for c in shop.drift("visit", columns="plan").columns] == ["plan"]
    with pytest.raises(Invalid, match="No column is named"):
        shop.drift("visit", columns=[])
    for threshold in ("0.1", None, float("nan"), -1):
        with pytest.raises(Invalid, match="The threshold is"):
            shop.drift("visit", threshold=threshold)


def promising(folder, rows, **promises):
    rows.write_parquet(folder / "visits.parquet")
    return project(folder, validators=promises)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    ("promise", "told"),
    [
        (v.null_rate_below(0.1), "null_rate is 0.1"),
        (v.rows_between(10, 400), "rows is 1,200"),
        (v.rows_between(5000), "rows is 1,200"),
        (v.fresh_within("1h"), "age is "),
        (mostly_known(0.95), "count is 1,080, rows is 1,200"),
    ],
)
def test_a_promise_about_figures_that_is_broken_stops_the_build_and_says_the_figures(tmp_path, engine, promise, told):
    defs = promising(tmp_path, visits(30), minutes=[promise])
    (result,) = defs.build(engine=engine).failed
    assert promise.label in result.failure.message
    assert told in result.failure.message
    assert defs.list_versions("visit") == []
    assert not defs.validate().ok


def test_promises_about_figures_that_hold_are_counted(tmp_path):
    kept = [v.null_rate_below(0.2), v.rows_between(10), v.fresh_within("36500d"), v.no_drift(), v.mostly_known(0.5)]
    defs = promising(tmp_path, visits(30), minutes=kept)
    assert sum(c.passed for c in defs.build()["visit"].checks) == 5
    assert defs.build(force=True, quality=False)["visit"].ok
    assert defs.metadata("visit").quality is None


@pytest.mark.parametrize("options", [{}, {"incremental": True}], ids=["whole", "incremental"])
@pytest.mark.parametrize("severity", ["error", "warn"])
def test_what_is_fresh_does_not_stay_so_where_nothing_new_comes(tmp_path, monkeypatch, severity, options):
    now = datetime.now(UTC)
    late = visits(30).with_columns(pl.col("at") - START + now - timedelta(days=30, hours=1))
    late.write_parquet(tmp_path / "visits.parquet")
    defs = project(tmp_path, validators={"minutes": v.fresh_within("3h", severity=severity)}, **options)
    defs.build().raise_for_failure()
    if options:  # the source has changed, and has no event that is new
        late[:-1].write_parquet(tmp_path / "visits.parquet")
    monkeypatch.setattr("mlforge.definitions.now", lambda: now + timedelta(hours=2))
    (result,) = defs.build()
    (foreseen,) = defs.build(dry_run=True)
    assert result.version == (None if severity == "error" else "1.0.0")
    assert result.status == ("failed" if severity == "error" else "unchanged")
    assert foreseen.status == ("planned" if options else result.status)
    told = result.failure.message if severity == "error" else str(result.warnings[0])
    assert "fresh_within('3h') fails: age is " in told
    assert defs.list_versions("visit") == ["1.0.0"]
    monkeypatch.undo()
    assert defs.build()["visit"].status == "unchanged"


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_no_drift_compares_with_the_version_before(tmp_path, engine):
    defs = promising(tmp_path, visits(30), minutes=[v.no_drift()])
    defs.build(engine=engine).raise_for_failure()
    visits(30, seed=4).write_parquet(tmp_path / "visits.parquet")
    defs.build(engine=engine).raise_for_failure()
    visits(30, shift=6.0, seed=5).write_parquet(tmp_path / "visits.parquet")
    (result,) = defs.build(engine=engine).failed
    assert "drift_psi is " in result.failure.message
    assert not defs.validate(engine=engine).ok
    assert len(defs.list_versions("visit")) == 2


def test_a_warning_is_told_and_stops_nothing(tmp_path, monkeypatch):
    promises = [v.less_than(15, severity="warn"), v.null_rate_below(0.05, severity="warn")]
    promises.append(mostly_known(0.99).warning())
    defs = promising(tmp_path, visits(30), minutes=promises)
    monkeypatch.setattr(Invocation, "definitions", lambda self, target=None: defs)
    said = CliRunner().invoke(cli, ["build"], obj=Invocation())
    assert said.exit_code == 0
    assert said.stdout.count("visit: warning: minutes: ") == 3
    result = defs.build(force=True)["visit"]
    assert [c.name for c in result.warnings] == ["less_than", "null_rate_below", "mostly_known"]
    assert "null_rate_below(0.05) fails: null_rate is 0.1" in repr(defs.build(force=True))
    assert defs.validate()["visit"].ok


def test_a_figure_or_a_severity_that_there_is_none_of_is_refused(tmp_path):
    odd = Validator("odd", mlf.col("nulll_rate") > 1, figures=True)
    (result,) = promising(tmp_path, visits(30), minutes=[odd]).build().failed
    assert "no figure 'nulll_rate'" in result.failure.message
    metrics = {"metrics": mlf.Count(windows="1d", name="visits"), "validators": {"minutes": v.null_rate_below(0.5)}}
    (result,) = project(tmp_path, **metrics).build().failed
    assert result.failure.message == "null_rate_below(0.5): no column 'minutes' is built."
    assert "visits_1d" in result.failure.hint
    for wrong in (lambda: v.not_null(severity="loud"), lambda: v.no_drift("psy"), lambda: v.null_rate_below(5)):
        with pytest.raises(Invalid) as caught:
            wrong()
        assert caught.value.hint


def figures_of_all(quality):
    """What is told of all rows, and not of a sample of them, or of earlier ones."""
    of_others = {"distinct": None, "distinct_error": 0.0, "quantiles": (), "histogram": None, "top": (), "sampled": 0}
    return [msgspec.structs.replace(c, mean=None, std=None, **of_others) for c in quality.columns]


WINDOWS = {"metrics": [mlf.Sum("minutes", "7d"), mlf.Max("minutes", "3d")], "interval": "1d"}


@pytest.fixture(params=["polars", "duckdb"])
def grows(request, tmp_path, monkeypatch):
    """What builds a feature of many rows, as versions go, on top of the last day but one, or anew: its figures."""
    monkeypatch.setattr(measure, "MANY", 100)

    def built(days, *, anew=False, **options):
        folder = tmp_path / ("anew" if anew else "grown")
        folder.mkdir(exist_ok=True)
        visits(120).filter(pl.col("at") < START + timedelta(days=days)).write_parquet(folder / "visits.parquet")
        since = None if anew or not (folder / "store").exists() else START + timedelta(days=days - 1)
        defs = project(folder, **options)
        defs.build(engine=request.param, since=since).raise_for_failure()
        return defs.quality("visit")

    return built


@pytest.mark.parametrize("options", [{}, WINDOWS], ids=["rows", "windows"])
def test_the_figures_of_a_small_increment_to_many_rows_are_put_together(grows, options):
    first, grown, anew = grows(119, **options), grows(120, **options), grows(120, anew=True, **options)
    assert (first.changed, anew.changed) == (0, 0)
    assert 0 < grown.changed < first.rows / 10
    assert (grown.rows, figures_of_all(grown)) == (anew.rows, figures_of_all(anew))
    assert f"{grown.changed:,} rows changed since" in str(grown)
    for mine, theirs in zip(grown.columns, anew.columns, strict=True):
        assert (mine.mean or 0.0, mine.std or 0.0) == pytest.approx((theirs.mean or 0.0, theirs.std or 0.0), rel=1e-9)
        assert mine.histogram is None or mine.histogram.total == theirs.count


def test_all_rows_are_measured_again_once_a_tenth_has_changed(grows):
    assert grows(100).changed == 0
    changed = [grows(days).changed for days in range(101, 121)]
    assert changed[:2] == [10, 20]
    assert max(changed) <= 110
    assert 0 in changed


def test_a_promise_about_figures_is_about_all_rows(grows):
    few = {"validators": {"plan": v.null_rate_below(0.5)}}
    assert grows(119, **few).changed == grows(120, **few).changed == 0
