"""`mlforge ui` from outside: a process, its socket, and a browser; builds and publishes come from other processes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from mlforge_serve.ui.app import App

pytestmark = pytest.mark.posix
Run = Callable[..., Any]
Server = Any

DEFINITIONS = '''
import mlforge as mlf

@mlf.feature(source="visits.parquet", keys="user", timestamp="at", owner="<b>crm</b>", tags=["'><script>x</script>"])
def visit(df):
    """</title><script>alert(1)</script>"""
    return df

@mlf.feature(source="visits.parquet", keys="user", timestamp="at")
def other(df):
    return df

defs = mlf.Definitions("<script>alert('shop')</script>", features=[visit, other])
'''
PROFILES = """
default_profile: dev
profiles:
  dev:
    offline_store: {KIND: local, path: store}
    online_store: {KIND: sqlite, path: online.db}
"""


def put_visits(folder: Path, plan: str = "free", more: int = 0) -> None:
    """The feature's source: 400 rows, whose plan tells versions apart."""
    at = pl.Series(["2026-01-01"] * (400 + more)).str.to_datetime(time_zone="UTC")
    rows = {"user": range(400 + more), "at": at, "plan": [plan] * (400 + more), "n": [1] * (400 + more)}
    pl.DataFrame(rows).write_parquet(folder / "visits.parquet")


def make_shop(folder: Path, mlforge: Run) -> Path:
    """A project whose texts are hostile, with a feature that is built and one that is not."""
    put_visits(folder)
    (folder / "definitions.py").write_text(DEFINITIONS)
    (folder / "mlforge.yaml").write_text(PROFILES)
    built = mlforge(folder, "build", "--features", "visit", "--no-preview")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture
def shop(tmp_path: Path, mlforge: Run) -> Path:
    (tmp_path / "shop").mkdir()
    return make_shop(tmp_path / "shop", mlforge)


@pytest.fixture
def ui(serve: Run) -> Run:
    """Start `mlforge ui` at a free port; a context manager."""
    return lambda folder, *words, **env: serve(folder, *words, verb="ui", **env)


def changed(server: Server, since: str = "") -> Any:
    return server.get(f"/changes?since={since}").json


def told(server: Server, text: str, since: str, wait: Run) -> None:
    """Wait until something is said to have happened."""
    wait(lambda: text in " ".join(changed(server, since)["happened"]))


def test_what_another_process_builds_and_publishes_appears(shop: Path, ui: Run, mlforge: Run, wait: Run) -> None:
    with ui(shop) as server:
        since = changed(server)["since"]
        assert changed(server, since) == {"since": since, "happened": [], "trouble": ""}
        assert "not built" in server.get("/").body.decode()
        assert "1.0.1" not in server.get("/features/visit.html").body.decode()
        assert "Nothing is published" in server.get("/activity.html").body.decode()

        put_visits(shop, "paid")
        assert mlforge(shop, "build", "--no-preview").returncode == 0
        told(server, "other 1.0.0 was built.", since, wait)
        page = server.get("/features/visit.html").body.decode()
        (latest,) = re.findall(r">([\d.]+) <span class=badge>latest", page)
        happened = changed(server, since)["happened"]
        assert f"visit {latest} was built." in happened
        assert f"visit {latest} has drifted from 1.0.0: plan." in happened
        assert "by their profiles: 1 of 2 columns drifted" in page
        activity = server.get("/activity.html").body.decode()
        assert f"#v{latest}" in activity and "new values: paid" in activity
        assert "not built" not in server.get("/").body.decode()

        since = changed(server)["since"]
        assert mlforge(shop, "publish", "visit").returncode == 0
        told(server, f"visit {latest} was published.", since, wait)
        assert 'aria-label="Published"' in server.get("/activity.html").body.decode()
        assert f"served {latest} of" in server.get("/features/visit.html").body.decode()

        since = changed(server)["since"]
        assert mlforge(shop, "rollback", "visit", "1.0.0").returncode == 0
        told(server, "visit reads 1.0.0 now.", since, wait)
        assert "is built and not published" in server.get("/activity.html").body.decode()


def test_a_feature_that_is_gone_from_the_store_is_served_on(shop: Path, ui: Run, mlforge: Run, wait: Run) -> None:
    assert mlforge(shop, "publish", "visit").returncode == 0
    with ui(shop) as server:
        since = changed(server)["since"]
        shutil.rmtree(shop / "store" / "visit")
        told(server, "visit is gone.", since, wait)
        assert "served no more" not in " ".join(changed(server, since)["happened"])
        assert "visit" in server.get("/activity.html").body.decode().partition('aria-label="Published"')[2]


def test_nothing_changes_where_nothing_happens(shop: Path, ui: Run) -> None:
    with ui(shop) as server:
        first = server.get("/features/visit.html")
        assert first.headers["etag"]
        time.sleep(1.5)
        again = server.get("/features/visit.html", if_none_match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def test_a_build_that_goes_on_shows_what_is_committed(shop: Path, ui: Run, mlforge: Run, wait: Run) -> None:
    """What a build commits is seen before the build tells the manifest."""
    with ui(shop) as server:
        since = changed(server)["since"]
        manifest = (shop / "store" / "_metadata" / "manifest.json").read_bytes()
        assert mlforge(shop, "build", "--features", "other", "--no-preview").returncode == 0
        (shop / "store" / "_metadata" / "manifest.json").write_bytes(manifest)
        told(server, "other 1.0.0 was built.", since, wait)
        (shop / "store" / "_metadata" / "manifest.json").write_text("{")
        time.sleep(1.5)
        assert "stale" not in server.log
        assert changed(server)["trouble"] == ""
        assert server.get("/features/other.html").status == 200


def test_a_store_alone_is_enough(shop: Path, ui: Run) -> None:
    (shop / "definitions.py").unlink()
    for words in ((), ("--store-only",)):
        with ui(shop, *words) as server:
            assert server.get("/features/visit.html").status == 200
            assert server.get("/features/other.html").status == 404


def test_a_store_that_does_not_answer_is_said_and_what_was_known_is_shown(shop: Path, ui: Run, wait: Run) -> None:
    with ui(shop) as server:
        since = changed(server)["since"]
        (shop / "online.db").unlink(missing_ok=True)
        (shop / "online.db").mkdir()
        (shop / "store").rename(shop / "away")
        (shop / "store").write_text("no folder")
        wait(lambda: changed(server)["trouble"])
        assert server.get("/features/visit.html").status == 200
        assert changed(server)["since"] != since
        (shop / "store").unlink()
        (shop / "away").rename(shop / "store")
        (shop / "online.db").rmdir()
        wait(lambda: not changed(server)["trouble"])
        assert "Traceback" not in server.log
        assert len(re.findall("cannot be", server.log)) <= 4


@pytest.mark.parametrize("empty", [False, True])
def test_a_store_that_is_gone_is_said_so_and_not_that_its_features_are(
    shop: Path, ui: Run, mlforge: Run, wait: Run, empty: bool
) -> None:
    with ui(shop) as server:
        since = changed(server)["since"]
        shutil.rmtree(shop / "store")
        if empty:
            (shop / "store").mkdir()
        wait(lambda: changed(server)["trouble"])
        told = changed(server, since)
        assert f"The store at {shop / 'store'} is gone" in told["trouble"]
        assert "build again" in told["trouble"]
        assert told["happened"] == []
        assert server.get("/features/visit.html").status == 200
        assert mlforge(shop, "build", "--no-preview").returncode == 0
        wait(lambda: not changed(server)["trouble"])
        assert "other 1.0.0 was built." in changed(server, since)["happened"]


# Who may ask, and what


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_is_written(shop_ui: Server, method: str) -> None:
    answer = shop_ui.ask(method, "/")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_method_that_http_does_not_have_is_refused(shop_ui: Server) -> None:
    assert shop_ui.ask("FROBNICATE", "/").status == 400


def test_a_head_has_no_body(shop_ui: Server) -> None:
    head, whole = shop_ui.ask("HEAD", "/"), shop_ui.get("/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421), ("evil.example:8010", 421), ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421), ("", 421), ("[::1", 421),
        ("a@127.0.0.1", 421), ("localhost", 200), ("LOCALHOST:9", 200), ("127.0.0.1:1", 200),
        ("[::1]:8010", 200), ("192.168.1.4", 200), ("mine.test:80", 421),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/changes", "/assets/features.js"])
def test_a_name_that_is_pointed_here_is_refused(shop_ui: Server, host: str, status: int, path: str) -> None:
    answer = shop_ui.get(path, host=host)
    assert answer.status == status
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_name_that_is_allowed_is_answered_to(shop: Path, ui: Run) -> None:
    with ui(shop, "--allow-host", "mine.test,Yours.test") as server:
        names = ("mine.test:80", "yours.test", "theirs.test")
        assert [server.get("/", host=name).status for name in names] == [200, 200, 421]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/features/../mlforge.yaml", "/../../etc/passwd", "/features/%2e%2e/%2e%2e/mlforge.yaml",
        "/assets/../feature.py", "/assets/frame.py", "//", "/index.html/", "/%00", "/features/visit", "/activity.htm",
    ],
)  # fmt: skip
def test_there_is_nothing_but_the_catalog(shop_ui: Server, path: str) -> None:
    answer = shop_ui.get(path)
    assert (answer.status, answer.body) == (404, b"There is nothing here.\nStart at /\n")


@pytest.mark.parametrize("since", ["", "a.b", "0.1", "%00", "1" * 400, "é".encode().hex()])
def test_any_change_may_be_asked_for(shop_ui: Server, since: str) -> None:
    assert shop_ui.get(f"/changes?since={since}").status == 200


def test_what_is_no_request_is_refused(shop_ui: Server) -> None:
    assert shop_ui.get(f"/{'a' * 5000}").status == 414
    with socket.create_connection(("127.0.0.1", shop_ui.port), 10) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        assert wire.recv(64).split()[1] in (b"400", b"421")
    with socket.create_connection(("127.0.0.1", shop_ui.port), 10) as wire:
        wire.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert wire.recv(64).startswith(b"HTTP/1.1 400")
    assert shop_ui.get("/").status == 200


NOISE = (
    b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"\x00\r\n\r\n",
)


def test_idle_connections_keep_nobody_out_and_noise_is_not_logged(shop: Path, ui: Run, wait: Run) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError):
            return bool(server.get("/").status == 200)
        return False

    with ui(shop) as server, contextlib.ExitStack() as held:
        said = server.log
        for start in (*NOISE, b"GET / HT", *[b""] * 150):
            wire = held.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            wire.sendall(start)
        wait(answers, 30)
        assert server.log == said


def test_pages_may_do_nothing_but_ask_their_server(shop_ui: Server) -> None:
    for path in ("/", "/activity.html", "/features/visit.html"):
        answer = shop_ui.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
        text = answer.body.decode()
        assert len(re.findall(r"<script defer src=(?:\.\./)?assets/(?:catalog|live)\.js></script>", text)) == 2
        assert text.count("<script") == 2
        assert "<b>crm" not in text
        assert not re.search(r"(?:src|href)=\"?(?:https?:)?//", text)


def test_many_ask_at_once(shop_ui: Server) -> None:
    found: list[int] = []
    ask = lambda: found.append(shop_ui.get("/features/visit.html").status)  # noqa: E731 - what each thread does
    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 40


@pytest.fixture(scope="module")
def shop_ui(tmp_path_factory: pytest.TempPathFactory, serving: Run, mlforge: Run) -> Iterator[Server]:
    """A server that tests share: nobody changes what it shows."""
    folder = make_shop(tmp_path_factory.mktemp("shop"), mlforge)
    with serving(folder, log=folder / "log", verb="ui") as running:
        yield running


# How it starts and ends


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_it_in_order(shop: Path, ui: Run, number: signal.Signals, code: int) -> None:
    with ui(shop) as server, socket.create_connection(("127.0.0.1", server.port)):
        server.process.send_signal(number)
        assert server.process.wait(10) == code
        assert "Traceback" not in server.log


def test_two_show_one_store_at_two_ports(shop: Path, ui: Run) -> None:
    with ui(shop) as one, ui(shop) as other:
        assert one.port != other.port
        assert [s.get("/").status for s in (one, other)] == [200, 200]


def test_a_port_that_is_taken_is_said_with_a_way_out(shop: Path, ui: Run, mlforge: Run) -> None:
    with ui(shop) as server:
        again = mlforge(shop, "ui", "--port", str(server.port))
        assert again.returncode == 1
        assert f"http://127.0.0.1:{server.port} cannot be listened at" in again.stderr
        assert "--port 0" in again.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--host", "0.0.0.0"], 1, "others could read the catalog"),
        (["--host", "no.such.host.invalid", "--insecure"], 1, "--host 127.0.0.1"),
        (["--store-only", "--target", "definitions.py"], 2, "--store-only reads none"),
        (["--profile", "dve"], 1, "Did you mean 'dev'?"),
        (["--allow-host", " , "], 2, "It is empty"),
        (["--port", "70000"], 2, "65535"),
        (["--target", "nothing.py"], 1, "nothing.py"),
    ],
)
def test_bad_input_is_one_error(shop: Path, mlforge: Run, words: list[str], code: int, says: str) -> None:
    told = mlforge(shop, "ui", *words)
    assert (told.returncode, "Traceback" in told.stderr) == (code, False), told.stderr
    assert says in told.stderr


def test_where_there_is_no_project_that_is_said(tmp_path: Path, mlforge: Run) -> None:
    told = mlforge(tmp_path, "ui")
    assert (told.returncode, told.stdout) == (1, "")
    assert "Error: " in told.stderr and "Hint" in told.stderr


def test_a_damaged_online_store_leaves_the_rest(shop: Path, ui: Run) -> None:
    (shop / "online.db").write_bytes(b"no database at all" * 400)
    with ui(shop) as server:
        assert server.get("/features/visit.html").status == 200
        assert "What is served cannot be told" in changed(server)["trouble"]
        assert "What is served cannot be told" in server.get("/activity.html").body.decode()


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
def tab(browser: Any) -> Iterator[Any]:
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.said = said
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
    page.on("request", lambda request: said.append(request.url) if "//127.0.0.1:" not in request.url else None)
    yield page
    context.close()


@pytest.mark.linux
def test_a_page_that_is_open_shows_what_another_process_does(
    shop: Path, ui: Run, mlforge: Run, tab: Any, wait: Run
) -> None:
    with ui(shop) as server:
        tab.goto(f"http://127.0.0.1:{server.port}/features/visit.html")
        wait(lambda: tab.evaluate("document.getElementById('live').textContent === 'Live'"))
        tab.evaluate("window.stayed = true")
        assert tab.locator("[aria-labelledby=versions] tbody tr").count() == 1
        put_visits(shop, "paid")
        assert mlforge(shop, "build", "--no-preview").returncode == 0
        wait(lambda: tab.locator("#drift").count())
        assert tab.locator("[aria-labelledby=versions] tbody tr").count() == 2
        assert tab.locator("[aria-labelledby=drift] mark").count() == 1
        wait(lambda: tab.evaluate("document.getElementById('live').textContent.includes('was built')"))
        assert tab.locator(".copy").first.is_visible()
        tab.locator(".copy").first.click()
        wait(lambda: tab.evaluate("document.querySelector('.copy').textContent === 'Copied'"))
        assert mlforge(shop, "publish", "visit").returncode == 0
        wait(lambda: tab.evaluate("document.getElementById('live').textContent.includes('was published')"))
        assert tab.evaluate("window.stayed") is True
        assert tab.said == []


@pytest.mark.linux
def test_the_search_finds_what_was_built_since_and_a_lost_server_is_said(
    shop: Path, ui: Run, mlforge: Run, tab: Any, wait: Run
) -> None:
    with ui(shop, "--store-only") as server:
        tab.goto(f"http://127.0.0.1:{server.port}/")
        tab.fill("#query", "other")
        wait(lambda: tab.evaluate("document.querySelector('#found p').textContent === '0 features'"))
        assert mlforge(shop, "build", "--features", "other", "--no-preview").returncode == 0
        wait(lambda: tab.evaluate("document.querySelector('#found p').textContent === '1 feature'"))
        assert not tab.locator("main").is_visible()
        tab.get_by_role("link", name="other 1.0.0").click()
        tab.wait_for_url("**/features/other.html")
        wait(lambda: tab.evaluate("document.getElementById('live').textContent.startsWith('Live')"))
        assert tab.said == []
        server.stop()
        wait(lambda: tab.evaluate("document.getElementById('live').textContent.startsWith('Not connected')"))
        assert tab.locator("h1").inner_text() == "other"


@pytest.mark.linux
def test_a_browser_takes_hostile_texts_for_texts_and_fits_a_phone(shop_ui: Server, tab: Any, wait: Run) -> None:
    tab.set_viewport_size({"width": 360, "height": 740})
    for page in ("", "activity.html", "features/visit.html", "owners.html", "tags.html"):
        tab.goto(f"http://127.0.0.1:{shop_ui.port}/{page}")
        wait(lambda: tab.evaluate("document.getElementById('live').textContent === 'Live'"))
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360, page
        assert tab.evaluate("document.querySelectorAll('main script, main img, main b').length") == 0
    assert tab.said == []


class SlowStore:
    """A catalog whose store takes its time to be looked at."""

    project, features, policy = "shop", 1, "default-src 'none'"

    def __init__(self) -> None:
        self.there = threading.Event()

    def look(self) -> None:
        assert self.there.wait(30)

    def text(self, path: str) -> str | None:
        return f"a page, {'looked' if self.there.is_set() else 'as it was'}"

    def changes(self, since: str) -> Any:
        return SimpleNamespace(since="1", happened=["visit 1.0.0 was built."], trouble="")


async def asked(app: App, path: str) -> bytes:
    """The body that is answered."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    await app(scope, None, send)
    assert sent[0]["status"] == 200
    return bytes(sent[1]["body"])


def test_a_page_does_not_wait_for_a_store_that_takes_long_and_who_asks_for_changes_does() -> None:
    async def asking() -> None:
        catalog = SlowStore()
        app = App(catalog)
        changes = asyncio.create_task(asked(app, "/changes"))
        assert await asyncio.wait_for(asked(app, "/index.html"), 20) == b"a page, as it was"
        assert not changes.done()
        catalog.there.set()
        assert b"was built" in await changes
        assert await asked(app, "/index.html") == b"a page, looked"

    with ThreadPoolExecutor(1) as pool:  # the browser of other tests keeps this thread's loop
        pool.submit(lambda: asyncio.run(asking())).result()
