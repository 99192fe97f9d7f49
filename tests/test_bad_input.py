"""Whatever is wrong: one clear error with a hint, an exit code that is not 0, and what was there stays readable."""

import ctypes
import json
import resource
import stat

import polars as pl
import pytest

from mlforge.errors import NotFound

ENGINE = """
from typing import ClassVar
from mlforge.plugin import EngineConfig, EngineDescriptor, hookimpl

class Config(EngineConfig, frozen=True, tag={name!r}):
    target: ClassVar[str] = "nowhere:Engine"

@hookimpl
def mlforge_engines():
    parquet = frozenset({{"parquet"}})
    facts = {{"frames": (), "reads": parquet, "writes": parquet}}
    return [EngineDescriptor(name={name!r}, summary="s", api={api}, config=Config, **facts)]
"""


@pytest.fixture
def before(built_house):
    """The house after a first build, and the rows that must stay readable."""
    rows = built_house.read()
    yield built_house
    assert built_house.read(version="1.0.0").equals(rows), "what was there before is not readable any more"


def feature(body="return df", **changes):
    """A definition of `spend` with something changed."""
    given = {
        "source": '"events.parquet"',
        "keys": '"user_id"',
        "timestamp": '"event_time"',
        "interval": '"1d"',
        "metrics": '[mlf.Sum("amount", windows=["1d"])]',
    } | changes
    words = ", ".join(f"{k}={x}" for k, x in given.items() if x is not None)
    return f"@mlf.feature({words})\ndef spend(df):\n    {body}\n"


def test_a_missing_file(before):
    (before.root / "events.parquet").unlink()
    before.refused("build", says=["events.parquet", "not there"])


def test_an_empty_file(before):
    (before.root / "events.parquet").write_bytes(b"")
    before.refused("build", says=["events.parquet", "empty"])


def test_a_file_that_is_no_parquet(before):
    (before.root / "events.parquet").write_bytes(b"user_id,amount\n1,2\n")
    before.refused("build", says="events.parquet")


def test_a_parquet_file_that_is_cut_off(before):
    file = before.root / "events.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    before.refused("build", says="events.parquet")


def test_a_csv_with_broken_rows(before):
    (before.root / "events.csv").write_text("user_id,event_time,amount\n1,2025-01-01,1\n2,2025-01-01,1,surplus\n")
    before.define(feature(source='"events.csv"'))
    before.refused("build", says=["events.csv", "3"])


def test_text_where_a_number_is_expected_far_down_a_csv(before):
    rows = [f"{i},2025-01-01,1" for i in range(20_000)]
    rows[15_000] = "15000,2025-01-01,abc"
    (before.root / "events.csv").write_text("user_id,event_time,amount\n" + "\n".join(rows) + "\n")
    before.define(feature(source='"events.csv"'))
    before.refused("build", says="amount")


def test_text_where_a_time_is_expected(before):
    (before.root / "events.csv").write_text("user_id,event_time,amount\n1,2025-01-01,1\n2,yesterday,1\n")
    before.define(feature(source='"events.csv"'))
    before.refused("build", says=["event_time", "yesterday", "row 1"])


def test_null_times(before):
    before.events(["2025-01-01T10:00", None, None], user_id=[1, 1, 2], amount=[1.0, 2.0, 4.0])
    before.refused("build", says=["event_time", "null", "2"])


def test_nan_times(before):
    frame = pl.DataFrame({"user_id": [1, 2], "event_time": [float("nan"), 1.0], "amount": [1.0, 2.0]})
    frame.write_parquet(before.root / "events.parquet")
    before.refused("build", says=["event_time", "Float64"])


def test_a_function_that_returns_nothing(before):
    before.define(feature(body="df.head()"))
    before.refused("build", says=["spend", "None", "return"])


def test_a_function_that_returns_the_wrong_type(before):
    before.define(feature(body="return [1, 2]"))
    before.refused("build", says=["spend", "list"])


def test_a_function_that_raises(before):
    before.define(feature(body="return df.select('amnt')"))
    before.refused("build", says=["spend", "amnt"])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("command", ["build", "validate"])
def test_a_promise_that_compares_a_date_with_a_number(before, engine, command):
    body = "return df.with_columns(day=pl.col('event_time').dt.date())"
    before.define(feature(body=body, validators="{'day': v.greater_than(0)}"))
    before.refused(command, "--engine", engine, says=["greater_than(0)", "'day'", "Date", "number", "datetime.date"])


def test_a_promise_about_a_metric_that_compares_it_with_text(before):
    before.define(feature(validators="{'amount__sum__1d': v.is_in(['1'])}"))
    before.refused("build", says=["amount__sum__1d", "Float64", "a number with text"])


def test_a_function_that_drops_its_keys(before):
    before.define(feature(body="return df.drop('user_id')"))
    before.refused("build", says=["user_id", "amount"])


def test_a_metric_on_a_column_that_is_not_there(before):
    before.define(feature(metrics='[mlf.Sum("amuont", windows=["1d"])]'))
    before.refused("build", says=["amuont", "amount"])


def test_a_metric_on_a_column_of_the_wrong_type(before):
    before.events(user_id=[1, 1, 2], amount=["a", "b", "c"])
    before.refused("build", says=["amount", "String"])


def test_a_validator_on_a_column_that_is_not_there(before):
    before.define(feature(validators='{"amuont": v.not_null()}'))
    before.refused("build", says=["amuont", "'amount'"])


def test_data_that_breaks_a_promise(before):
    before.define(feature(validators='{"amount": [v.less_than(3), v.not_null()], "user_id": [v.is_in([1])]}'))
    shown = before.refused("build", says=["less_than(3)", "is_in([1])"])
    assert "1 of 3" in shown


def test_rows_with_the_same_keys_and_time(before):
    before.events(["2025-01-01", "2025-01-01", "2025-01-02"], user_id=[1, 1, 2], amount=[1.0, 2.0, 4.0])
    before.define(feature(metrics=None, interval=None))
    before.refused("build", says=["user_id", "tie_break"])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_sum_that_does_not_fit(before, engine):
    before.events(user_id=[1, 1, 2], amount=[2**62, 2**62, 1])
    before.define(feature(metrics='[mlf.Sum("amount", windows=["7d"])]'))
    before.refused("build", "--engine", engine, says=["amount__sum__7d", "overflow"])


@pytest.mark.parametrize("command", [("build", "--features"), ("inspect",), ("versions",), ("validate", "--features")])
def test_an_unknown_feature(before, command):
    before.refused(*command, "spnd", says="spend")


@pytest.mark.parametrize(
    "command",
    [("inspect", "spend", "--version", "9.9.9"), ("diff", "spend", "1.0.0", "9.9.9"), ("rollback", "spend", "9.9.9")],
    ids=lambda c: c[0],
)
def test_an_unknown_version(before, command):
    before.refused(*command, says=["9.9.9", "1.0.0"])


def test_a_version_that_is_none(before):
    before.refused("build", "--version", "latest", says="latest")


def test_a_version_that_is_taken(before):
    before.refused("build", "--version", "1.0.0", says="1.0.0")


def test_an_unknown_engine(before):
    before.refused("build", "--engine", "polrs", says="polars")


def test_an_engine_that_is_not_installed(before):
    before.add_plugin("mlforge-other", "other", ENGINE.format(name="other", api=1))
    before.refused("build", "--engine", "other", "--force", says="nowhere:Engine")


def test_an_unknown_profile(before):
    (before.root / "mlforge.yaml").write_text("profiles: {dev: {engine: polars}}")
    before.refused("build", "--profile", "prod", says=["prod", "dev"])


def test_a_plugin_for_another_version_of_the_door(before):
    before.add_plugin("mlforge-old", "old", ENGINE.format(name="old", api=99))
    before.refused("build", "--engine", "old", says=["99", "old"])
    listed = before.mlforge("plugins")
    assert listed.returncode == 0
    assert "99" in listed.stdout


def test_a_plugin_that_does_not_import_breaks_nothing_else(before):
    before.add_plugin("mlforge-broken", "broken", "import nothing_of_that_name")
    assert "nothing_of_that_name" in before.mlforge("plugins").stdout
    before.built("--force")


def test_two_plugins_with_one_name(before):
    for distribution, module in (("mlforge-one", "one"), ("mlforge-two", "two")):
        before.add_plugin(distribution, module, ENGINE.format(name="twin", api=1))
    before.refused("build", "--engine", "twin", says=["mlforge-one", "mlforge-two"])
    before.built("--force")


def small_files_only():
    """Let no file grow beyond 512 bytes, which ends a write just as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))


def test_a_full_disk(before):
    unkept = {"COVERAGE_PROCESS_CONFIG": "", "PYTHONDONTWRITEBYTECODE": "1"}  # they would be cut off, too
    before.refused("build", "--force", says="store", before=small_files_only, **unkept)
    before.built("--force")
    assert before.read(version="1.0.1").height


def obey_permissions():
    """Give up root's right to ignore file modes, in a process about to run a command."""
    drop_from_bounding_set, capabilities = 24, (1, 2)
    for capability in capabilities:
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_a_read_only_store(before):
    folders = [before.root / "store", *(p for p in (before.root / "store").rglob("*") if p.is_dir())]
    try:
        for folder in folders:
            folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        before.refused("build", "--force", says="store", before=obey_permissions)
        assert before.mlforge("versions", "spend", before=obey_permissions).returncode == 0
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)


def test_a_store_that_is_a_file(house):
    (house.root / "store").write_text("")
    house.refused("build", says="store")


def test_a_feature_named_like_a_path(before):
    before.define(feature(name='"../x"'))
    before.refused("build", says="../x")
    assert not (before.root / "x").exists()


def test_a_damaged_pointer(before):
    pointer = before.root / "store/spend/_latest.json"
    pointer.write_text('{"version": ')
    before.refused("inspect", "spend", says="_latest.json")
    before.refused("build", says=["_latest.json", "rollback"])
    assert before.mlforge("rollback", "spend", "1.0.0").returncode == 0
    assert json.loads(pointer.read_text())["version"] == "1.0.0"


@pytest.mark.parametrize(
    "damage", ["", "{", '{"name": "spend"}', "[]"], ids=["empty", "cut off", "fields missing", "a list"]
)
def test_damaged_metadata_of_the_newest_version(before, damage):
    before.built("--force")
    (before.root / "store/spend/1.0.1/.meta.json").write_text(damage)
    before.refused("inspect", "spend", says=[".meta.json", "1.0.0"])
    before.refused("build", "--force", says=".meta.json")
    assert before.mlforge("rollback", "spend", "1.0.0").returncode == 0
    before.built("--force")


def test_data_that_was_removed_from_under_its_metadata(before):
    before.built("--force")
    (before.root / "store/spend/1.0.1/data.parquet").unlink()
    with pytest.raises(NotFound, match=r"data\.parquet") as error:
        before.read()
    assert "rollback spend 1.0.0" in error.value.hint
    assert before.mlforge("rollback", "spend", "1.0.0").returncode == 0
    assert before.read().height


def test_one_failing_feature_does_not_stop_the_others(before):
    more = feature() + feature(source='"missing.parquet"').replace("def spend", "def lost")
    before.define(more, "defs = mlf.Definitions('shop', features=[lost, spend], store=mlf.LocalStore('store'))")
    before.events(user_id=[1, 1, 3], amount=[1.0, 2.0, 4.0])
    shown = before.refused("build", says=["lost", "missing.parquet"])
    assert "spend" in shown
    assert before.read()["user_id"].max() == 3


def test_an_unknown_command_option_or_argument(before):
    assert before.mlforge("biuld").returncode == 2
    assert before.mlforge("build", "--fast").returncode == 2
    assert before.mlforge("versions").returncode == 2
