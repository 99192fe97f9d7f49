"""The catalog: nothing hostile gets into its pages, nothing but a catalog is replaced, and a browser can use it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

import mlforge as mlf
from mlforge.cli.app import run
from mlforge.cli.catalog import feature, quality
from mlforge.cli.catalog.links import Links
from mlforge.cli.catalog.put import put
from mlforge.cli.catalog.retrieval import Place
from mlforge.cli.catalog.site import files
from mlforge.errors import Conflict
from mlforge.flow.discovering import book as books
from mlforge.flow.discovering.book import Book, Defined, Page, book
from mlforge.flow.discovering.cards import Card
from mlforge.flow.drifting.drift_report import ColumnDrift, DriftReport
from mlforge.model.html import Markup
from mlforge.model.meta import Change, FeatureMeta, Recipe
from mlforge.model.quality import ColumnQuality, Histogram, Quality, TopValue
from mlforge.model.schema import Column

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "' onmouseover='alert(1)",
    "](javascript:alert(1))", "{0.__class__} {}", "\u202egnp.exe\u202c", "</title></script><svg onload=alert(1)>",
    "\x1b[31mred", "`;alert(1)//", "a & b &amp; c", "```\nfence", "| cell |",
)  # fmt: skip
PLACE = Place(mlf.LocalStore("feature_store"), mlf.SQLiteOnlineStore("online.db"))


def meta(name: str, version: str, columns: tuple[Column, ...], **more: Any) -> FeatureMeta:
    return FeatureMeta(
        name=name, version=version, created_at="2026-01-05T12:00:00Z", updated_at="2026-01-05T12:00:00Z", row_count=7,
        entity_keys=("user_id",), timestamp="at", interval="1d", columns=columns, schema_hash=version, config_hash="c",
        config=Recipe(mlf.Entity("user", join_key="user_id").keys, "at"), **more,
    )  # fmt: skip


def hostile_quality(text: str) -> Quality:
    """Figures of two columns, in which each text is hostile."""
    top = (TopValue(text, 60), TopValue(f"{text}!", 40))
    figures = ColumnQuality(name=text, dtype="String", count=100, distinct=2, min=text, max=text, top=top)
    spread = Histogram((0.0, 5.0), (60, 30, 0))
    return Quality(
        rows=100, columns=(figures, ColumnQuality(name=f"{text}!", dtype=text, count=90, histogram=spread, min=0.5))
    )


def hostile_page(text: str, number: int) -> Page:
    """A feature of which every text is hostile."""
    columns = (Column("user_id", "String"), Column(text, text, text, text, text, text))
    change = Change("minor", text, (text,))
    versions = (
        meta(text, "1.0.0", columns[:1], engine=text, quality=hostile_quality(f"{text}?")),
        meta(text, "1.1.0", columns, change_summary=change, engine=text, source=text, quality=hostile_quality(text)),
    )
    drifted = ColumnDrift(column=text, dtype=text, drifted=bool(number % 2), reason=text, distance=0.5, limit=0.1)
    report = DriftReport(feature=text, reference=text, compared="1.1.0", method="psi", columns=(drifted,))
    card = Card(
        text, "1.1.0", "2026-01-05T12:00:00Z", 7, columns, ("user_id", text), (text,), text, text, text, (text, "plain")
    )
    return Page(card, versions, (text,), code=text, sets=(text,), used_by=(text,), drift=report)


BOOK = Book(HOSTILE[0], "2026-01-05T12:00:00Z", tuple(hostile_page(t, n) for n, t in enumerate(HOSTILE)))


class Seen(HTMLParser):
    """What a browser would make of a page."""

    UNENDED = frozenset({"html", "body", "thead", "tbody", "tr", "th", "td", "dt", "dd", "li"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "rect", "path", "img", *self.UNENDED}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "path"}:
            assert self.open.pop() == tag


PAGES = dict(files(BOOK, PLACE, "html"))


@pytest.mark.parametrize("path", sorted(p for p in PAGES if p.endswith(".html")))
def test_nothing_hostile_becomes_markup(path: str) -> None:
    seen = Seen()
    seen.feed(PAGES[path])
    assert seen.open == []
    assert [a.get("src", "").split("/")[-1] for tag, a in seen.tags if tag == "script"] == ["catalog.js"]
    assert {tag for tag, _ in seen.tags}.isdisjoint({"img", "iframe", "object", "style", "form", "base"})
    for tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src"):
            assert re.match(r"(\.\./)?[\w./-]*(#[\w.-]+)?$", attributes.get(name) or ""), attributes
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", PAGES[path])


def test_every_link_leads_somewhere() -> None:
    ids = {path: set(re.findall(r'id="?([^" >]+)', text)) for path, text in PAGES.items()}
    for path, text in PAGES.items():
        for href in re.findall(r'href="?([^" >]+)', text):
            to, _, anchor = href.removeprefix("../").partition("#")
            assert (to or path) in PAGES, (path, href)
            assert not anchor or anchor in ids[to or path], (path, href)


def test_what_the_search_box_reads_is_plain_data() -> None:
    script = PAGES["assets/features.js"]
    rows = json.loads(script.removeprefix("window.mlforgeFeatures = ").rstrip(";\n"))
    assert [row[1] for row in rows] == list(HOSTILE)
    assert script.isascii()


def test_a_word_to_search_by_is_there_once_where_it_counts_most() -> None:
    columns = (
        Column("user_id", "String"),
        Column("spend", "Float64", description="What a user did spend.", unit="EUR"),
    )
    card = Card("shop", columns=columns, source="data/spend.csv", tags=("what",))
    script = dict(files(Book("shop", "now", (Page(card),)), PLACE, "html"))["assets/features.js"]
    ((*_, named, meant, made),) = json.loads(script.removeprefix("window.mlforgeFeatures = ").rstrip(";\n"))
    assert (named, meant, made) == ("user id spend what", "a did", "data csv eur")


def test_nothing_hostile_becomes_markdown() -> None:
    for path, text in files(BOOK, PLACE, "markdown"):
        outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"<(?!a id=\"[\w-]+\"></a>)(?!/a>)", outside), path
        assert not re.search(r"(?<!\\)\]\(javascript", outside), path
        assert not re.search("[\u202a-\u202e]", text), path


def test_quality_is_shown_where_it_was_measured_and_nowhere_else() -> None:
    column = ColumnQuality(
        name="<b>", dtype="Float64", count=90, nulls=10, distinct=12, distinct_error=0.02, min=0.5, max=9.0, mean=3.25,
        histogram=Histogram((0.0, 5.0, 10.0), (0, 60, 30, 0)),
    )  # fmt: skip
    text = ColumnQuality(
        name="kind", dtype="String", count=4, distinct=2, min="a", max="b",
        top=(TopValue("<i>", 3), TopValue("b", 1)),
    )  # fmt: skip
    measured = meta("a", "1.0.0", (), quality=Quality(rows=100, columns=(column, text)))
    page = Page(Card("a"), (measured, meta("a", "1.1.0", ())))
    shown = quality.shown(page)
    assert "10.00%" in shown and "≈ 12" in shown and "3.25" in shown and "75%" in shown
    assert shown.count("data-bars=") == 1 and "<td data-bars=0wg0>" in shown
    assert "<b>" not in shown and "<i>" not in shown
    assert quality.shown(Page(Card("a"), (meta("a", "1.1.0", ()),))) == Markup()


def test_a_version_tells_what_changed_and_why() -> None:
    shown = feature.content(BOOK.pages[5], Links(BOOK, "html"), PLACE)
    assert "+ {0.__class__} {} {0.__class__} {}" in shown
    assert "cannot be read: mlforge store verify" in shown


def test_features_whose_names_differ_in_case_alone_have_pages_of_their_own() -> None:
    pages = tuple(Page(Card(name)) for name in ("Spend", "spend", "CON", "a.b", "é"))
    named = [path.casefold() for path, _ in files(Book("x", "now", pages), Place(), "html")]
    assert len(named) == len(set(named))
    assert "features/con.html" not in named


# The folder


def test_a_catalog_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "site"
    put(out, [("a/old.html", "old")])
    put(out, [("index.html", "new")])
    assert sorted(p.name for p in out.rglob("*")) == [".mlforge-catalog", "index.html"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    for taken in ("mine", "file"):
        with pytest.raises(Conflict):
            put(tmp_path / taken, [("index.html", "")])
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "mine", "site"]


def test_what_people_put_into_a_catalog_is_never_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "site"
    put(out, [("index.html", "old"), ("features/a\u2028.html", "old"), ("features/old.html", "old")])
    for mine in (".git/HEAD", "CNAME", "features/mine.html"):
        (out / mine).parent.mkdir(exist_ok=True)
        (out / mine).write_text("mine")
        with pytest.raises(Conflict) as caught:
            put(out, [("index.html", "new")])
        assert f"'{'.git/' if 'git' in mine else mine}'" in caught.value.message
        assert caught.value.hint.endswith("mlforge catalog --out catalog")
        assert (out / mine).read_text() == "mine"
        assert (out / "index.html").read_text() == "old"
        shutil.rmtree(out / ".git", ignore_errors=True)
        (out / mine).unlink(missing_ok=True)
    (out / "features" / ".DS_Store").touch()
    put(out, [("index.html", "new")])
    assert sorted(p.name for p in out.rglob("*")) == [".mlforge-catalog", "index.html"]


def test_a_catalog_of_a_release_that_did_not_say_what_its_files_are_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "site"
    out.mkdir()
    (out / ".mlforge-catalog").write_text("A catalog of mlforge: `mlforge catalog` makes this folder anew.\n")
    (out / "old.html").touch()
    put(out, [("index.html", "new")])
    assert sorted(p.name for p in out.iterdir()) == [".mlforge-catalog", "index.html"]


def test_a_catalog_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, str]]:
        yield "index.html", "half"
        raise ZeroDivisionError

    put(tmp_path / "site", [("index.html", "whole")])
    with pytest.raises(ZeroDivisionError):
        put(tmp_path / "site", failing())
    assert (tmp_path / "site" / "index.html").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


# A project's own


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two versions of a feature, a set, a request feature, and its catalog in `site`."""
    folder = tmp_path_factory.mktemp("catalog")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["init", "shop"]) == 0
        patch.chdir(folder / "shop")
        profiles, definitions = Path("mlforge.yaml"), Path("definitions.py")
        with_online = "      path: feature_store\n    online_store: {KIND: sqlite, path: online.db}\n"
        profiles.write_text(profiles.read_text().replace("      path: feature_store\n", with_online, 1))
        definitions.write_text(definitions.read_text().replace(
            'defs = mlf.Definitions("shop", features=[features])',
            'risk = mlf.request_feature("risk", inputs={"n": "Int64"}, uses="user_spend",\n'
            '                           columns={"share": mlf.col("n") / mlf.col("spend_7d")})\n'
            'defs = mlf.Definitions("shop", features=[features, risk],\n'
            '                       feature_sets=[mlf.FeatureSet("churn", ["user_spend", "risk"])])',
        ))  # fmt: skip
        assert run(["build", "--no-preview"]) == 0
        source = Path("features.py")
        text, old = source.read_text(), 'Count(windows=["7d", "28d"]'
        assert old in text
        source.write_text(text.replace(old, 'Count(windows=["7d", "14d", "28d"]'))
        for name in ("features", "definitions"):
            sys.modules.pop(name, None)
        assert run(["build", "--no-preview"]) == 0
        assert run(["catalog"]) == 0
    return folder / "shop"


def test_a_page_has_all_there_is_to_know(shop: Path) -> None:
    text = (shop / "site" / "features" / "user_spend.html").read_text()
    for words in (
        "How much and how often a user buys", "def user_spend(df):", "sum over 7d", "EUR", "+ purchases_14d Int64",
        "metrics added: purchases_14d", "request feature", "churn", "user_spend@1.1.0",
        "mlf.get_training_data(", "mlf.get_online_features(", "curl http://",
        "mlf.SQLiteOnlineStore(path=&#x27;online.db",
    ):  # fmt: skip
        assert words in text, words
    assert str(shop) not in text
    assert "<td data-bars=" in text


def test_the_store_alone_is_enough(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(shop, tmp_path / "shop")
    (copied / "definitions.py").unlink()
    (copied / "features.py").unlink()
    monkeypatch.chdir(copied)
    assert run(["catalog", "--format", "markdown", "--out", "pages"]) == 0
    text = (copied / "pages" / "features" / "user_spend.md").read_text()
    assert "def user_spend" not in text and "+ purchases\\_14d Int64" in text


def test_versions_are_read_in_turn_and_tell_the_same(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "AT_ONCE", 1)
    with mlf.LocalStore(str(shop / "feature_store")).open() as store:
        found = books.outline("shop", store, datetime(2026, 1, 1, tzinfo=UTC))
        assert [len(page.versions) for page in found.book.pages] == [0, 0]
        in_turn = dict(files(found.book, PLACE, "html", found.pages(store)))
        whole = book("shop", store, datetime(2026, 1, 1, tzinfo=UTC))
    assert in_turn == dict(files(whole, PLACE, "html"))
    assert [len(page.versions) for page in whole.pages] == [1, 2]


def test_damaged_metadata_is_said_and_the_rest_is_shown(shop: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(shop / "feature_store", tmp_path / "store")
    (copied / "user_spend" / "1.0.0" / ".meta.json").write_text("{")
    with mlf.LocalStore(str(copied)).open() as store:
        found = book("shop", store, datetime(2026, 1, 1, tzinfo=UTC), Defined())
    page = next(p for p in found.pages if p.name == "user_spend")
    assert (page.unreadable, [m.version for m in page.versions]) == (("1.0.0",), ["1.1.0"])
    assert msgspec.json.encode(page.card)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format", "pdf"], "markdown"),
        (["--out", "data"], "Name a new folder: mlforge catalog --out catalog"),
        (["--out", "mlforge.yaml"], "Name another: mlforge catalog --out catalog"),
        (["--store-only", "--target", "definitions.py"], "--store-only reads none"),
        (["--profile", "dve"], "Did you mean 'dev'?"),
    ],
)
def test_bad_input_is_one_error(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    monkeypatch.chdir(shop)
    assert run(["catalog", *words]) > 0
    told = capsys.readouterr().err
    assert told.startswith("Error: ") and says in told
    assert (shop / "data" / "purchases.csv").is_file()


# A browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no browser: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def told() -> list[str]:
    """What the browser's console was told."""
    return []


@pytest.fixture
def tab(browser: Any, told: list[str]) -> Iterator[Any]:
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(dialog.message) or dialog.dismiss())
    page.on("requestfailed", lambda request: told.append(f"failed: {request.url}"))
    yield page
    context.close()
    assert told == []


@pytest.mark.linux
def test_somebody_finds_a_feature_with_the_keyboard_alone(tab: Any, shop: Path) -> None:
    tab.goto((shop / "site" / "index.html").as_uri())
    tab.keyboard.press("/")
    tab.keyboard.type("spnd last week")
    tab.wait_for_selector("#found li")
    assert tab.locator("#found li strong").all_inner_texts()[0] == "user_spend"
    assert "feature" in tab.locator("#found [role=status]").inner_text()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/features/user_spend.html")
    assert tab.locator("h1").inner_text() == "user_spend"
    tab.keyboard.press("/")
    tab.keyboard.type("zebra")
    tab.wait_for_function("document.querySelector('#found p').textContent === '0 features'")
    tab.keyboard.press("Escape")
    assert tab.locator("main").is_visible()


@pytest.mark.linux
def test_links_lead_on_and_code_is_copied(tab: Any, shop: Path) -> None:
    tab.goto((shop / "site" / "features" / "user_spend.html").as_uri())
    tab.locator(".copy").first.click()
    tab.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
    tab.locator("svg.lineage a").first.click()
    tab.wait_for_url("**/sources.html#sources-0")
    tab.get_by_role("link", name="last_purchase").click()
    tab.wait_for_url("**/features/last_purchase.html")
    assert tab.locator("[aria-labelledby=versions] tbody tr").count() == 1


@pytest.mark.linux
def test_histograms_are_drawn_and_said(tab: Any, shop: Path) -> None:
    tab.goto((shop / "site" / "features" / "user_spend.html").as_uri())
    row = tab.locator("[aria-labelledby=quality] tbody", has=tab.get_by_role("rowheader", name="spend_7d", exact=True))
    version, _, _, least, most, mean, _ = row.locator("tr").first.locator("td").all_inner_texts()
    said = f"Histogram of spend_7d, version {version}: from {least} to {most}, mean {mean}"
    drawn = row.get_by_role("img", name=said, exact=True)
    assert drawn.bounding_box()["height"] == 32
    bars = drawn.locator("xpath=..").get_attribute("data-bars")
    path = drawn.locator("path")
    assert path.get_attribute("d").count("M") == len(bars) - bars.count("0") > 1
    box = path.bounding_box()
    assert (box["height"], box["width"]) == (32, 5 * (len(bars.strip("0")) - 1) + 4)
    assert tab.locator("[data-bars]:empty").count() == 0


@pytest.mark.linux
def test_a_screen_reader_is_told_what_heads_a_row_and_a_column_and_what_parts_are_called(tab: Any, shop: Path) -> None:
    tab.goto((shop / "site" / "features" / "user_spend.html").as_uri())
    heard = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for node in heard:
        named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert {"spend_7d", "user_id", "1.0.0"} <= set(named["rowheader"])
    assert {"Column", "Unit", "Distribution", "Why", "Rows"} <= set(named["columnheader"])
    assert {"Columns", "Retrieve", "Lineage", "Definition", "Quality", "Drift", "Versions"} <= set(named["region"])
    assert {"Search features"} == set(named["searchbox"]) and "Copy: For training" in named["button"]
    assert "source purchases" in named["link"]


@pytest.mark.linux
def test_what_scrolls_is_reached_with_the_keyboard_and_nothing_else_is(tab: Any, shop: Path) -> None:
    tab.goto((shop / "site" / "features" / "user_spend.html").as_uri())
    wide = tab.locator("#quality + .wide")
    for width, reached in ((360, True), (1600, False), (360, True)):
        tab.set_viewport_size({"width": width, "height": 740})
        tab.wait_for_function(
            "(reached) => (document.querySelector('#quality + .wide').tabIndex === 0) === reached", arg=reached
        )
        assert wide.get_attribute("aria-labelledby") == ("quality" if reached else None)


@pytest.mark.linux
def test_nothing_is_wider_than_a_phone_and_colours_follow_the_system(tab: Any, shop: Path) -> None:
    tab.set_viewport_size({"width": 360, "height": 740})
    for page in ("index.html", "owners.html", "features/user_spend.html", "features/risk.html"):
        tab.goto((shop / "site" / page).as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360, page
    colours = set()
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        colours.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


@pytest.mark.linux
def test_a_long_name_pushes_no_column_out_of_sight(tab: Any, tmp_path: Path) -> None:
    long, spread = "amount" * 40, Histogram((0.0, 1.0), (0, 7, 0))
    columns = (Column("user_id", "String"), Column(long, "Float64", "sum", "7d", "Spent.", "EUR"))
    figures = [
        ColumnQuality(name=long, dtype="Float64", count=7, distinct=7, mean=n, std=0.1, histogram=spread, min=n, max=n)
        for n in (0.5, 9.5)
    ]
    versions = tuple(
        meta("spend", version, columns, quality=Quality(rows=7, columns=(one,)), source=f"{long}.csv")
        for version, one in zip(("1.0.0", "1.0.1"), figures, strict=True)
    )
    card = Card("spend", "1.0.1", "2026-01-05T12:00:00Z", 7, columns, ("user_id",), (), "", "", long, (long,))
    page = Page(card, versions, unreadable=(), code=None, sets=(), used_by=(), feature=None)
    put(tmp_path / "site", files(Book("shop", "2026-01-05T12:00:00Z", (page,)), PLACE, "html"))
    for path in ("index.html", "features/spend.html", "sources.html"):
        tab.goto((tmp_path / "site" / path).as_uri())
        wider = (
            "[...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
        )
        assert tab.evaluate(wider) == [], path


@pytest.mark.linux
def test_without_a_script_every_figure_is_there_and_nothing_that_does_nothing(browser: Any, shop: Path) -> None:
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((shop / "site" / "features" / "user_spend.html").as_uri())
    for table, row in (("quality", "spend_7d"), ("drift", "spend_7d"), ("columns", "user_id"), ("lineage", "spend_7d")):
        assert page.locator(f"#{table} ~ .wide tbody th").filter(has_text=row).count() == 1, table
    assert page.locator("#quality + .wide td").filter(has_text=re.compile(r"^\d")).count() > 20
    assert page.locator("button, input").count() == 0
    page.get_by_role("link", name="Owners").click()
    assert page.locator("h1").inner_text() == "Owners"
    context.close()


WIDTHS = """[...document.querySelectorAll("table")].flatMap((table) => {
  const heads = table.tHead.rows[0].cells.length;
  return [...table.tBodies].flatMap((body) => {
    const over = body.rows[0]?.cells[0].rowSpan > 1;
    return [...body.rows].map((row, place) => row.cells.length + (over && place ? 1 : 0) - heads);
  });
})"""


@pytest.mark.linux
def test_a_browser_takes_hostile_text_for_text(tab: Any, tmp_path: Path) -> None:
    put(tmp_path / "site", files(BOOK, PLACE, "html"))
    for path in PAGES:
        if path.endswith(".html"):
            tab.goto((tmp_path / "site" / path).as_uri())
            assert not any(tab.evaluate(WIDTHS)), path
            assert tab.evaluate("document.querySelectorAll('main > section section, td td, li li').length") == 0
    tab.goto((tmp_path / "site" / "index.html").as_uri())
    tab.fill("#query", "alert")
    tab.wait_for_selector("#found li")
    assert tab.locator("#found li").count() >= 5
    assert tab.evaluate("document.querySelectorAll('#found script, #found img, main script, main img').length") == 0
