"""Names and contents that mean something to a path, a query, a terminal or a person who reads them."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest

import mlforge as mlf
from mlforge.cli.app import run
from mlforge.errors import MlforgeError
from mlforge.model.meta import Part
from mlforge.plugin import layout

ENGINES = ["polars", "duckdb"]
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
HOSTILE = {
    "above": "../../x",
    "rooted": "/x",
    "NUL": "a\0b",
    "lines": "a\nb\r\u2028c",
    "long": "x" * 10_000,
    "turned": "a\u202etxt\u202c\u200f",
    "unseen": "a\u200bb",
    "quotes": "a'b\"c`d",
    "SQL": '"; DROP TABLE features; --',
    "markup": "[red]a[/red] [link=http://x.y]b[/link] [/]",
    "escape": "a\x1b[31mb\x1b]8;;http://x.y\x07",
    "pattern": "*{a,b}?[!c]",
    "reference": "${HOME} {0} %s",
    "Hebrew": "שלום",
}
HALF = "a\udc80b"
COLUMNS_REFUSED = {"NUL", "lines", "escape"}
OBEYED = {"Cc", "Cs", "Zl", "Zp"}
TURNING = set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def project(folder, engine, key="k", column="v", content="v", store=None, **said):
    folder.mkdir(exist_ok=True)
    path = folder / "x.parquet"
    pl.DataFrame({key: [content], "t": [NOON], column: [content]}).write_parquet(path)
    given = {"name": "f"} | said
    made = mlf.feature(source=str(path), keys=key, timestamp="t", **given)(lambda df: df)
    store = store or mlf.LocalStore(folder / "store")
    online = mlf.SQLiteOnlineStore(str(folder / "online.db"))
    return mlf.Definitions("p", features=[made], engine=engine, offline_store=store, online_store=online)


def rows(defs):
    frame = defs.read("f")
    return (frame if isinstance(frame, pl.DataFrame) else frame.pl()).to_dicts()


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    if request.param == "local":
        return mlf.LocalStore(tmp_path / "store")
    url = request.getfixturevalue("s3_url")
    return mlf.S3Store("shop-features", prefix=uuid.uuid4().hex, endpoint_url=url)


@pytest.mark.parametrize("engine", ENGINES)
def test_all_that_may_be_said_is_stored_and_read_back_equal(engine, store, tmp_path):
    texts = list(HOSTILE.values())
    said = {"tags": texts, "description": "\n".join(texts), "owner": "".join(texts)}
    defs = project(tmp_path / "p", engine, store=store, **said)
    defs.build().raise_for_failure()
    meta = defs.metadata("f")
    assert (list(meta.tags), meta.description, meta.owner) == (texts, said["description"], said["owner"])
    assert [f.name for f in defs.list_features(tags=HOSTILE["SQL"])] == ["f"]


@pytest.mark.parametrize("engine", ENGINES)
def test_contents_come_back_equal_offline_and_online(engine, store, tmp_path):
    texts = list(HOSTILE.values())
    defs = project(tmp_path / "p", engine, store=store)
    times = pl.Series([NOON] * len(texts))
    pl.DataFrame({"k": texts, "t": times, "v": texts}).write_parquet(tmp_path / "p" / "x.parquet")
    defs.build(online=True).raise_for_failure()
    assert sorted((row["k"], row["v"]) for row in rows(defs)) == sorted(zip(texts, texts, strict=True))
    served = defs.get_online_features(["f"], [{"k": text} for text in texts])
    assert [row["v"] for row in served] == texts


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_column_is_read_back_by_its_name_or_refused_in_a_sentence(case, engine, tmp_path):
    text = HOSTILE[case]
    for place in ({"key": text}, {"column": text}):
        refused = None
        try:
            defs = project(tmp_path / next(iter(place)), engine, **place)
            report = defs.build(online=True)
            refused = report["f"].failure
        except MlforgeError as error:
            refused = error
        assert bool(refused) == (case in COLUMNS_REFUSED), refused
        if refused:
            assert repr(text) in refused.message
            assert refused.hint
        else:
            assert set(rows(defs)[0]) == {"t", text, *({"v"} if "key" in place else {"k"})}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_name_or_version_is_refused_in_a_sentence(case, tmp_path):
    text, defs = HOSTILE[case], project(tmp_path, "polars")
    calls = (
        lambda: project(tmp_path, "polars", name=text),
        lambda: mlf.FeatureSet(text, features=["f"]),
        lambda: defs.build(version=text).raise_for_failure(),
        lambda: defs.read(text),
        lambda: defs.read("f", text),
        lambda: defs.metadata("f", text),
        lambda: defs.history(text),
        lambda: defs.rollback("f", text),
        lambda: defs.rollback(text, "1.0.0"),
        lambda: defs.prune(text, keep=1),
        lambda: defs.build([text]),
        lambda: defs.read("f", profile=text),
    )
    for number, call in enumerate(calls):
        with pytest.raises(MlforgeError) as refused:
            call()
        assert refused.value.hint, number
    assert not (tmp_path / "store").exists()


def test_half_a_character_is_refused_where_it_is_said(tmp_path):
    for said in ({"tags": [HALF]}, {"description": HALF}, {"owner": HALF}, {"name": HALF}):
        with pytest.raises(MlforgeError, match=re.escape(repr(HALF))):
            project(tmp_path, "polars", **said)
    for said in ({"keys": HALF}, {"keys": "k", "timestamp": HALF}):
        with pytest.raises(MlforgeError, match=re.escape(repr(HALF))):
            mlf.feature(source="x.parquet", name="f", **said)(lambda df: df)


COMMANDS = [
    "list", "list --tags {tag}", "inspect f", "versions f", "inspect {text}", "versions {text}", "rollback f {text}",
    "build --features {text}", "build --profile {text}", "plan", "{text}", "list {text}", "build --{text}",
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A project that says all of it, built."""
    folder = tmp_path_factory.mktemp("told")
    pl.DataFrame(
        {"k": [1], "t": [NOON], **{HOSTILE[c]: [1] for c in HOSTILE if c not in COLUMNS_REFUSED}}
    ).write_parquet(folder / "x.parquet")
    texts = list(HOSTILE.values())
    (folder / "mlforge.yaml").write_text(f"profiles:\n  {json.dumps(HOSTILE['markup'])}: {{engine: polars}}\n")
    (folder / "definitions.py").write_text(
        "import mlforge as mlf\n"
        f"@mlf.feature(source='x.parquet', keys='k', timestamp='t', tags={texts!r}, owner={texts[9]!r},\n"
        f"             description={''.join(texts)!r})\n"
        "def f(df):\n    return df\n"
        "defs = mlf.Definitions('p', [f], engine='polars', offline_store=mlf.LocalStore('store'))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["build"]) == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_no_terminal_obeys_what_is_printed(command, told, capsys, monkeypatch):
    monkeypatch.chdir(told)
    monkeypatch.setenv("NO_COLOR", "1")
    cases = [c for c in HOSTILE if c not in ("NUL", "long")] if "{" in command else ["markup"]
    for case in cases:
        words = [w.format(text=HOSTILE[case], tag=HOSTILE[case]) for w in command.split()]
        code = run(words)
        printed = capsys.readouterr()
        text = printed.out + printed.err
        assert "Traceback" not in text
        assert "This is a defect" not in text
        assert code == 0 or "Hint:" in printed.err, text
        odd = {c for c in text if c != "\n" and (unicodedata.category(c) in OBEYED or c in TURNING)}
        assert not odd, (case, odd)
        assert "\x1b" not in text
        if command.startswith(("list", "inspect f")) and code == 0:
            assert "[red]a[/red]" in text


@pytest.mark.parametrize("command", ["list --json", "inspect f --json", "versions f --json"])
def test_json_is_one_document_that_says_the_same(command, told, capsys, monkeypatch):
    monkeypatch.chdir(told)
    assert run(command.split()) == 0
    document = json.loads(capsys.readouterr().out)
    if command != "versions f --json":
        assert all(
            text in json.dumps(document, ensure_ascii=False) or text in str(document) for text in [HOSTILE["markup"]]
        )


OUTSIDE = [
    "../../secret",
    "/etc/passwd",
    "1.0.0/../../../secret",
    "..\\..\\secret",
    "a\0b",
    "C:x",
    "1.0.0//x",
    "./x",
    "",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_metadata_that_names_data_outside_its_feature_is_refused(path, store, tmp_path):
    defs = project(tmp_path / "p", "polars", store=store)
    defs.build().raise_for_failure()
    (tmp_path / "secret").write_bytes(b"secret")
    meta = defs.metadata("f")
    bad = layout.encode(msgspec.structs.replace(meta, parts=(Part(path, 1, 6, "0" * 64),)))
    with store.open() as live:
        if store.kind == "local":
            (Path(store.path) / "f/1.0.0/.meta.json").write_bytes(bad)
        else:
            live.bucket.put("f/1.0.0/.meta.json", bad)
    for call in (lambda: defs.read("f"), lambda: defs.metadata("f"), lambda: defs.prune("f", keep=1)):
        with pytest.raises(MlforgeError, match="is no file of the feature") as refused:
            call()
        assert refused.value.hint
    assert (tmp_path / "secret").read_bytes() == b"secret"


@pytest.mark.posix
@pytest.mark.parametrize("place", ["f", "f/1.0.0", "f/1.0.0/data.parquet", "f/1.0.0/.meta.json", "f/_latest.json"])
def test_what_lies_behind_a_link_out_of_the_store_is_neither_read_nor_removed(place, tmp_path):
    defs = project(tmp_path / "p", "polars")
    defs.build(force=True).raise_for_failure()
    path, elsewhere = tmp_path / "p/store" / place, tmp_path / "elsewhere"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)
    before = {p: p.read_bytes() for p in (elsewhere, *elsewhere.rglob("*")) if p.is_file()}
    for call in (lambda: defs.read("f"), lambda: defs.build(force=True).raise_for_failure()):
        with suppress(MlforgeError):
            call()
    if path.is_symlink():
        with pytest.raises(MlforgeError):
            defs.read("f", None if place == "f/_latest.json" else "1.0.0")
    assert {p: p.read_bytes() for p in before} == before
