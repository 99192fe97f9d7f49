"""What becomes of a store over time: versions that go, readers that go back, and builds after that."""

import re
import shlex
import shutil

import pytest

import mlforge as mlf

GROWING = """
@mlf.feature(source="events.csv", keys="user_id", timestamp="at", interval="1d", incremental=True,
             metrics=[mlf.Sum("amount", windows="2d", name="spend")])
def spend(df):
    return df
"""


@pytest.fixture
def growing(house):
    """A project whose source got an event a day, and was built after each."""
    house.define(GROWING)
    rows = ["user_id,at,amount"]
    for day in (1, 3, 5):
        rows.append(f"1,2025-01-0{day}T10:00:00Z,{day}")
        (house.root / "events.csv").write_text("\n".join(rows) + "\n")
        house.built()
    return house


def gone_back(house, version):
    """Readers are sent back, and what is between them and the newest is removed."""
    assert house.mlforge("rollback", "spend", version).returncode == 0
    assert house.mlforge("versions", "spend", "--prune", "--keep", "1").returncode == 0


def test_a_build_passes_over_the_number_of_a_removed_version(growing):
    gone_back(growing, "1.0.0")
    assert "1.0.3" in growing.built("--dry-run").stdout
    assert "built   1.0.3" in growing.built().stdout
    assert growing.read().rows() == growing.read(version="1.0.2").rows()
    assert growing.mlforge("store", "verify").returncode == 0


def test_a_build_passes_over_numbers_that_the_store_does_not_give_again(growing):
    """Nothing tells before the commit that 1.0.1 and 1.0.2 were there: the only other version is of another line."""
    growing.built("--since", "2025-01-04", "--version", "2.0.0")
    gone_back(growing, "1.0.0")
    assert "built   1.0.3" in growing.built("--full-refresh").stdout
    assert growing.read().rows() == growing.read(version="2.0.0").rows()


def test_a_chosen_number_whose_data_is_in_use_is_refused_for_what_it_is(growing):
    gone_back(growing, "1.0.0")
    growing.refused("build", "--full-refresh", "--version", "1.0.1", says="had a version 1.0.1, whose data newer")
    growing.built("--full-refresh", "--version", "1.1.0")


def cut(version):
    (version / ".meta.json").write_bytes((version / ".meta.json").read_bytes()[:99])


def lost(version):
    (version / "data.parquet").unlink()


def turned(version):
    (version / "data.parquet").write_bytes((version / "data.parquet").read_bytes()[::-1])


@pytest.mark.parametrize(
    ("harm", "which"),
    [(cut, [0]), (cut, [2]), (lost, [2]), (turned, [2]), (lost, [0, 1, 2]), (turned, [0, 1, 2])],
    ids=["cut first", "cut latest", "lost latest", "turned latest", "all lost", "all turned"],
)
def test_the_ways_out_that_a_verification_tells_can_be_typed(growing, harm, which):
    for _ in range(3):
        growing.built("--full-refresh")
    growing.mlforge("versions", "spend", "--prune", "--keep", "3")
    folder = growing.root / "store/spend"
    for number in which:
        harm(folder / f"1.0.{3 + number}")
    told = growing.mlforge("store", "verify")
    assert told.returncode == 1
    ways = [line for line in told.stdout.splitlines() if "Hint: " in line]
    assert ways
    if "remove the feature's folder" in told.stdout:
        assert len(which) == 3
        shutil.rmtree(folder)
    commands = dict.fromkeys(re.findall(r"mlforge ([^:]*?)(?=$| does|:)", "\n".join(ways), re.MULTILINE))
    for command in sorted(commands, key=lambda words: "--repair" not in words):
        done = growing.mlforge(*shlex.split(command))
        assert done.returncode == 0 or "--repair" in command, done.stdout
    assert len(growing.read()) == 4


MOVED = {
    "its time": (["a,1,1", "a,2,2", "a,3,4"], ["a,1,1", "a,2,2", "a,4,4"]),
    "whose it is": (["a,1,1", "b,2,2", "b,3,4"], ["a,1,1", "b,2,2", "a,3,4", "b,4,8"]),
    "that it was": (["a,1,1", "b,2,2", "b,3,4"], ["a,1,1", "b,2,2", "b,5,1"]),
}


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("clock", ["rows", "instants", "buckets"])
@pytest.mark.parametrize("what", MOVED)
def test_what_was_at_the_watermark_and_is_no_more_is_taken_away(tmp_path, what, clock, engine):
    windows = {} if clock == "rows" else {"metrics": mlf.Sum("x", windows="2d")}
    hours = {"interval": "1d"} if clock == "buckets" else {}
    options = {"source": "e.csv", "keys": "u", "timestamp": "at", **windows, **hours}

    def project(steps):
        feature = mlf.feature(**options, incremental=steps, name="f")(lambda df: df)
        store = mlf.LocalStore(tmp_path / str(steps))
        return mlf.Definitions("p", features=[feature], root=tmp_path, store=store, engine=engine)

    defs = [project(True), project(False)]
    for events in MOVED[what]:
        rows = [f"{u},2025-01-0{day}T10:00:00Z,{x}\n" for u, day, x in (event.split(",") for event in events)]
        (tmp_path / "e.csv").write_text(f"u,at,x\n{''.join(rows)}")
        for one in defs:
            one.build().raise_for_failure()
    readers = [mlf.Definitions("reader", store=mlf.LocalStore(tmp_path / str(steps))) for steps in (True, False)]
    steps, whole = (reader.read("f").sort("u", "at") for reader in readers)
    assert steps.equals(whole)
    assert defs[0].metadata("f").row_count == len(steps)
