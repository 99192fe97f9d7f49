"""Pairings that cannot work are refused before any work, in words that name the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, NotFound, NotInstalled, Unsupported
from mlforge.flow.planning import plan
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.model.source import CSVFormat, DeltaFormat, ParquetFormat
from mlforge.plugin import EngineConfig, EngineDescriptor, Lack, Scan, StoreConfig, StoreDescriptor
from mlforge.plugin.registry import registry
from mlforge.project.project import Settings


@mlf.feature(source="a.csv", keys="k")
def plans(df: Any) -> Any:
    return df


@mlf.feature(source="a.csv", keys="k", timestamp="t", metrics=mlf.Median("x", windows="1d"))
def middle(df: Any) -> Any:
    return df


PARQUET = Scan("payments", ("a.parquet",), ParquetFormat())


def engine(**more: Any) -> EngineDescriptor:
    able = {"reads": frozenset({"parquet"}), "writes": frozenset({"parquet"})} | more
    return EngineDescriptor(name="mine", summary="Mine", api=1, config=EngineConfig, frames=(), **able)


def store(**more: Any) -> StoreDescriptor:
    return StoreDescriptor(name="kept", summary="Kept", api=1, config=StoreConfig, **more)


class Known:
    """The plugins of a test."""

    def __init__(self, *found: Any) -> None:
        self.found = found

    def get(self, kind: type, _name: str) -> Any:
        return next(one for one in self.found if isinstance(one, kind))

    def of(self, kind: type) -> dict[str, Any]:
        return {one.name: one for one in self.found if isinstance(one, kind)}


def renamed(one: EngineDescriptor, name: str) -> EngineDescriptor:
    return msgspec.structs.replace(one, name=name)


def test_a_format_that_the_engine_does_not_read_is_refused_with_its_reason() -> None:
    lacking = engine(lacks={"delta": Lack("not_yet", "Delta comes later.")})
    with pytest.raises(Unsupported, match="'mine' cannot read delta files") as refused:
        plan.check_scan(Scan("lake", ("lake",), DeltaFormat()), "file", lacking)
    assert refused.value.hint == "Delta comes later."


ABILITIES = {
    "format": {"reads": frozenset({"parquet", "delta"})},
    "address": {"schemes": frozenset({"file", "s3"})},
    "aggregation": {"aggregations": frozenset({"median"})},
}


@pytest.mark.parametrize("ability", ABILITIES)
def test_engines_that_lack_the_same_do_not_recommend_each_other(monkeypatch: pytest.MonkeyPatch, ability: str) -> None:
    mine = engine(aggregations=frozenset({"sum"}))
    twin, able = renamed(mine, "twin"), renamed(engine(**ABILITIES[ability]), "able")
    attempts: dict[str, Callable[[], object]] = {
        "format": lambda: plan.check_scan(Scan("lake", ("lake",), DeltaFormat()), "file", mine),
        "address": lambda: plan.check_scan(PARQUET, "s3", mine),
        "aggregation": lambda: plan.plan_job(middle, Settings(mlf.LocalStore("x")), mlf.PolarsEngine()),
    }
    for others, named in (((twin,), False), ((twin, able), True)):
        monkeypatch.setattr(plan, "registry", lambda others=others: Known(mine, store(), *others))
        with pytest.raises(Unsupported) as refused:
            attempts[ability]()
        assert "twin" not in str(refused.value)
        assert ('engine="able"' in (refused.value.hint or "")) == named
        assert refused.value.hint


def test_installed_engines_name_no_other_for_what_none_of_them_does(tmp_path: Path) -> None:
    for name, one in registry().of(EngineDescriptor).items():
        if "delta" not in one.reads:
            with pytest.raises((Unsupported, NotInstalled)) as refused:
                plan.check_scan(Scan("lake", ("lake",), ParquetFormat()), "ftp", one)
            assert "another engine" not in str(refused.value).lower(), name


def test_an_address_that_the_engine_does_not_read_from_is_refused() -> None:
    with pytest.raises(Unsupported, match="cannot read s3:// addresses, where the source 'payments' is"):
        plan.check_scan(PARQUET, "s3", engine())
    plan.check_scan(PARQUET, "file", engine())


@pytest.mark.parametrize(
    ("writes", "keeps", "scheme", "said"),
    [
        ({"parquet"}, ("delta", "iceberg"), "file", "cannot write delta or iceberg, which the store keeps"),
        ({"parquet"}, ("parquet",), "s3", "cannot write to s3 addresses, which the store gives out"),
    ],
)
def test_a_store_that_the_engine_cannot_write_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, writes: set[str], keeps: tuple[str, ...], scheme: str, said: str
) -> None:
    mine = engine(writes=frozenset(writes))
    monkeypatch.setattr(plan, "registry", lambda: Known(mine, store(formats=keeps, scheme=scheme)))
    with pytest.raises(Unsupported, match=said) as refused:
        plan.plan_job(plans, Settings(mlf.LocalStore("x")), mlf.PolarsEngine())
    assert refused.value.hint == 'Choose another store, such as LocalStore("feature_store").'


def test_a_metric_that_the_engine_does_not_compute_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "registry", lambda: Known(engine(aggregations=frozenset({"sum"})), store()))
    with pytest.raises(Unsupported, match="cannot compute 'median', which 'x__median__1d' needs"):
        plan.plan_job(middle, Settings(mlf.LocalStore("x")), mlf.PolarsEngine())


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("gone.csv", NotFound, "is not there"),
        ("none*.csv", NotFound, "no file fits"),
        ("nothing", NotFound, "holds no data file"),
        ("mixed", Invalid, "mixes formats: csv, parquet"),
        ("empty.csv", Invalid, "has an empty file"),
        ("notes.txt", Invalid, "notes"),
    ],
)
def test_a_source_that_is_not_files_of_one_format_is_refused(
    tmp_path: Path, path: str, error: type[Exception], said: str
) -> None:
    for folder in ("nothing", "mixed"):
        (tmp_path / folder).mkdir()
    for name in ("mixed/a.csv", "mixed/b.parquet", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(error, match=said):
        resolve(mlf.Source(path), tmp_path)


def test_what_nobody_brings_has_no_fingerprint_and_a_table_keeps_its_address(tmp_path: Path) -> None:
    far = mlf.Source("ftp://host/a.parquet")
    assert source_fingerprint(far, resolve(far, tmp_path)) is None
    lake = mlf.Source("lake", format=DeltaFormat())
    (tmp_path / "lake").mkdir()
    assert resolve(lake, tmp_path).uris == (str(tmp_path / "lake"),)


def test_the_fingerprint_of_a_source_follows_its_files_and_its_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    plain, other = mlf.Source("a.csv"), mlf.Source("a.csv", format=CSVFormat(delimiter=";"))
    first = source_fingerprint(plain, resolve(plain, tmp_path))
    assert source_fingerprint(other, resolve(other, tmp_path)) != first
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    assert source_fingerprint(plain, resolve(plain, tmp_path)) != first


def lay(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


@pytest.mark.parametrize("path", ["lake/*.parquet", "lake/**/*.parquet", "lake/p=1/a.parquet", "."])
@pytest.mark.parametrize(
    ("mark", "kind"),
    [("_delta_log/0.json", "Delta"), (".hoodie/hoodie.properties", "Hudi"), ("metadata/v1.metadata.json", "Iceberg")],
)
def test_a_table_is_never_read_as_loose_files(tmp_path: Path, path: str, mark: str, kind: str) -> None:
    lay(tmp_path, "lake/a.parquet", "lake/p=1/a.parquet", f"lake/{mark}")
    with pytest.raises(Unsupported, match=f"{kind} table .*lake.* its log alone tells") as refused:
        resolve(mlf.Source(path, name="events"), tmp_path)
    hint = "Export the table's rows" if kind == "Hudi" else f"format={kind}Format()"
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("sales", (("year", "Int64"), ("day", "Date"), ("city", "String"))),
        ("sales/year=2025", (("day", "Date"), ("city", "String"))),
        ("sales/year=*/**/*.csv", (("year", "Int64"), ("day", "Date"), ("city", "String"))),
        ("sales/year=2025/day=2025-01-02/city=B%20/1.csv", ()),
    ],
)
def test_the_folders_below_a_source_tell_columns(tmp_path: Path, path: str, told: tuple[Any, ...]) -> None:
    lay(tmp_path, "sales/year=2025/day=2025-01-02/city=B%20/1.csv", "sales/year=2026/day=2026-01-02/city=7/1.csv")
    assert resolve(mlf.Source(path), tmp_path).partitions == told


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("sales/1.csv", "tell other columns: .* tells none"),
        ("sales/year=2025/month=2/1.csv", "tell other columns: .* tells 'year' and 'month'"),
        ("sales/year=2025/year=2026/1.csv", "tells 'year' twice"),
    ],
)
def test_folders_that_tell_different_columns_are_refused(tmp_path: Path, other: str, said: str) -> None:
    lay(tmp_path, "sales/year=2025/1.csv", other)
    with pytest.raises(Invalid, match=said):
        resolve(mlf.Source("sales"), tmp_path)


def test_a_file_that_is_moved_to_another_folder_is_another_source(tmp_path: Path) -> None:
    lay(tmp_path, "sales/year=2025/1.csv")
    source = mlf.Source("sales")
    before = source_fingerprint(source, resolve(source, tmp_path))
    (tmp_path / "sales/year=2025").rename(tmp_path / "sales/year=2026")
    assert source_fingerprint(source, resolve(source, tmp_path)) != before
