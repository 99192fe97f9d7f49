"""The documentation is true: every code block of a page runs, in order."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import linecache
import os
import re
import signal
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
import yaml

from mlforge.plugin.registry import Plugin, load_plugin
from mlforge.project.profiles import read_profiles

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("packages/*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w-]*)(?P<rest>.*)$")
REQUIREMENT = re.compile(r'"?(?P<name>[\w-]+)(\[(?P<extras>[\w,-]+)\])?"?')
REFUSAL = re.compile(r"^Error: |\b[1-9]\d* failed\b", re.MULTILINE)
PROGRESS = re.compile(r"^[\w@.]+: [a-z]+.* … [\d.]+ s$")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if opening := FENCE.match(line):
            indent, end = len(opening["indent"]), opening["indent"] + opening["ticks"]
            body = []
            for _, inner in lines:
                if inner.rstrip() == end:
                    break
                body.append(inner[indent:])
            else:
                pytest.fail(f"{page.relative_to(ROOT)}:{number}: the block is never closed")
            title = re.search(r'title="([^"]+)"', opening["rest"])
            text = "".join(f"{b}\n" for b in body)
            yield Block(page, number, opening["language"], title[1] if title else None, text)


def name_of(page: Path) -> str:
    path = page.relative_to(ROOT)
    return path.parts[1] if path.parts[0] == "packages" else path.stem


# Pages


class Reader:
    """Somebody who does what a page says: one folder, one Python session, one shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.here = folder
        self.session: dict[str, Any] = {"__name__": "__page__"}
        self.printed: str | None = None
        self.written: list[Path] = []

    def follow(self, block: Block) -> None:
        do: dict[str, Callable[[Block], None]] = {
            "python": self.python,
            "text": self.output,
            "console": self.console,
            "bash": self.bash,
            "yaml": self.yaml,
            "toml": self.toml,
            "csv": self.write,
        }
        if block.language not in do:
            pytest.fail(f"{block.place}: a block of {block.language or 'no language'}: nothing here can check it")
        do[block.language](block)
        if block.language not in ("python", "text"):
            self.printed = None

    def write(self, block: Block) -> None:
        assert block.title, f'{block.place}: say which file it is: title="…"'
        path = self.here / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        self.written.append(path)

    def python(self, block: Block) -> None:
        if block.title and (ROOT / block.title).is_file():
            quoted(block)
            return
        if block.title:
            self.write(block)
        if block.title and "/" in block.title:  # a file of a package or of its tests: a later command runs it
            return
        where = str(self.written[-1]) if block.title else f"<{block.place}>"
        linecache.cache[where] = (len(block.text), None, block.text.splitlines(keepends=True), where)
        with redirect_stdout(StringIO()) as printed:
            exec(compile(block.text, where, "exec"), self.session)
        self.printed = printed.getvalue()
        if "@hookimpl" in block.text:
            loaded = load_plugin(SimpleNamespace(**self.session), Plugin("page", "page", "1"))
            assert loaded.brings, f"{block.place}: {loaded.error or 'the plugin brings nothing'}"

    def home(self, text: str) -> str:
        """What was said, with this reader's folder called as on the pages."""
        return text.replace(str(self.folder), "/home/ada")

    def output(self, block: Block) -> None:
        assert self.printed is not None, f"{block.place}: a text block is the output of the Python block before it"
        same(block.text, self.home(self.printed), block.place)
        self.printed = None

    def console(self, block: Block) -> None:
        assert block.text.startswith("$ "), f"{block.place}: a console block starts with a prompt"
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            while command.endswith("\\"):
                more, _, shown = shown.partition("\n")
                command = f"{command[:-1]}{more.removeprefix('>').strip()}"
            self.run(command, shown, block.place)

    def bash(self, block: Block) -> None:
        for command in block.text.replace("\\\n", "").splitlines():
            self.run(command, "", block.place)

    def run(self, command: str, shown: str, place: str) -> None:
        if all(is_checked(part.strip(), self) for part in command.split("&&")):
            return
        state = self.folder / ".shell"
        env = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("COLUMNS", "COV_", "MLFORGE_", "PYTEST_", "PYTHON"))
        }
        env |= {
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]]),
            "PYTHONPATH": str(self.folder / "site"),
            "STATE": str(state),
            "TERM": "dumb",
        }
        script = f'{command}\ncode=$?; pwd > "$STATE"; exit $code'
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.here, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        told = "".join(line for line in done.stderr.splitlines(keepends=True) if not PROGRESS.search(line))
        refused = bool(REFUSAL.search(shown))
        assert (done.returncode != 0) == refused, f"{place}: `{command}` ended with {done.returncode}:\n{done}"
        if shown.strip():
            same(timeless(shown), timeless(self.home(done.stdout + told)), f"{place}: `{command}`")
        self.go(Path(state.read_text().strip()))

    def go(self, folder: Path) -> None:
        if folder != self.here:
            self.here = folder
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()

    def yaml(self, block: Block) -> None:
        self.write(block)
        found = read_profiles(self.here)
        assert found is not None
        assert found.profiles, f"{block.place}: an mlforge.yaml without profiles"
        variables = dict.fromkeys(re.findall(r"env:(\w+)", block.text), "x")
        for name in found.profiles:
            found.resolve(name, variables)

    def toml(self, block: Block) -> None:
        given = tomllib.loads(block.text)
        if block.title == "pyproject.toml":
            self.write(block)
            project = given["project"]
            assert given["build-system"]["build-backend"] == "hatchling.build"
            assert any(d.startswith("mlforge-core>=") and d.endswith("<1") for d in project["dependencies"])
            assert project["entry-points"]["mlforge"], f"{block.place}: no entry point, so nobody finds the plugin"

    def install(self) -> None:
        """What `pip install .` does, into a folder of its own that every later command sees."""
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-build-isolation"]
        install += ["--no-deps", "--python", sys.executable, "--target", str(self.folder / "site"), str(self.here)]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def unread(self) -> list[Path]:
        """Files of a package that no command has imported."""
        compiled = {p.name.split(".")[0] for p in self.folder.rglob("__pycache__/*.pyc")}
        modules = [p for p in self.written if p.suffix == ".py" and p.parent != self.here]
        return [p for p in modules if p.stem not in compiled]


def quoted(block: Block) -> None:
    """A file of this repository is shown as it stands, or a part of it, which may be indented less."""
    text = (ROOT / str(block.title)).read_text(encoding="utf-8")
    lines, shown = (list(filter(str.strip, t.splitlines())) for t in (text, block.text))
    parts = (lines[i : i + len(shown)] for i in range(len(lines)))
    assert any(textwrap.dedent("\n".join(p)).splitlines() == shown for p in parts), f"{block.place}: it has changed"


def is_checked(command: str, reader: Reader) -> bool:
    """Commands that would change the machine are not run; that they can work is checked in another way."""
    words = command.split()
    if words[:2] == ["hatch", "run"]:
        scripts = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]["default"]["scripts"]
        assert words[2] in scripts, f"`{command}`: hatch.toml has no such script"
        steps = scripts[words[2]]  # one, or several
        needed = re.findall(r"\S+\.py", steps if isinstance(steps, str) else " ".join(steps))
        assert all((ROOT / f).is_file() for f in needed), f"`{command}` needs {needed}"
        return True
    if words[:2] != ["pip", "install"]:
        return False
    for word in words[2:]:
        if word == ".":
            reader.install()
        elif word not in ("hatch", "-e"):
            assert is_ours(word), f"`{command}`: there is no {word} here"
    return True


def is_ours(word: str) -> bool:
    """Whether a requirement is a distribution of this house, with extras whose parts are all there."""
    wanted = REQUIREMENT.fullmatch(word)
    assert wanted, f"{word!r} is no requirement"
    pyproject = ROOT / "packages" / wanted["name"] / "pyproject.toml"
    if not pyproject.is_file():
        return False
    extras = tomllib.loads(pyproject.read_text())["project"].get("optional-dependencies", {})
    given = wanted["extras"].split(",") if wanted["extras"] else []
    parts = [re.split(r"[\[<>=]", r)[0] for e in given for r in extras[e]]
    return all((ROOT / "packages" / p).is_dir() for p in parts if p.startswith("mlforge-"))


def same(shown: str, said: str, place: str) -> None:
    """`...` on the page stands for anything."""
    want, got = (tidy(t) for t in (shown, said))
    if not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
        pytest.fail(f"{place}\n--- the page shows\n{want}--- it says\n{got}", pytrace=False)


def timeless(text: str) -> str:
    """What a shell said, without what differs each time: how long it took, when it was, how wide a table's gaps are."""
    for pattern, instead in ((r"\d+\.\d s\b", "0.1 s"), (r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d( UTC|Z)", r"2026\1\2")):
        text = re.sub(pattern, instead, text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)


def tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("MLFORGE_PROFILE", raising=False)
    yield Reader(tmp_path)
    for server in tmp_path.rglob("*.pid"):  # a page that failed half-way has not stopped what it started
        with suppress(ProcessLookupError):
            os.kill(int(server.read_text()), signal.SIGKILL)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_a_page_runs_and_shows_what_it_says(page: Path, reader: Reader) -> None:
    for block in blocks_of(page):
        try:
            reader.follow(block)
        except Exception as error:
            error.add_note(f"in {block.place}")
            raise
    assert not reader.unread(), "no command of the page uses these files"


def test_the_drawing_of_the_windows_shows_the_values_that_are_computed(reader: Reader) -> None:
    for block in blocks_of(ROOT / "docs" / "semantics.md"):
        reader.follow(block)
        if "rows" in reader.session and "seen" in reader.session:
            break
    drawing = ET.parse(ROOT / "docs" / "images" / "windows.svg").iter()
    texts = [e for e in drawing if "data-sum" in e.attrib]
    drawn = {t.attrib["data-stamp"]: int(t.attrib["data-sum"]) for t in texts if "data-stamp" in t.attrib}
    labels = {t.attrib["data-label"]: int(t.attrib["data-sum"]) for t in texts if "data-label" in t.attrib}
    rows = reader.session["rows"].rows(named=True)
    seen = reader.session["seen"].rows(named=True)
    assert drawn == {f"{r['paid_at']:%Y-%m-%d}": r["spend_7d"] for r in rows}
    assert labels == {f"{r['label_time']:%-d March %H:%M}": r["spend_7d"] for r in seen}


def test_the_guide_says_how_long_the_files_of_an_engine_are() -> None:
    guide = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    told = {name: int(lines) for name, lines in re.findall(r"^\| `(\w+\.py)` \| (\d+) \|", guide, flags=re.MULTILINE)}
    files = {p.name: p for p in (ROOT / "tests" / "toy-engine" / "src" / "toy_engine").glob("*.py")}
    assert told.keys() == files.keys() - {"__init__.py"}
    lengths = {name: len(files[name].read_text(encoding="utf-8").splitlines()) for name in told}
    assert {n: lengths[n] for n in told if abs(lengths[n] - told[n]) > 10} == {}


def script(name: str) -> Any:
    """A module of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_what_the_commands_say() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    told = script("cli_reference").reference()
    assert written == told, "bring it up to date: hatch run test:python scripts/cli_reference.py"


def test_the_drawings_of_the_house_are_those_of_the_code() -> None:
    drawn = script("draw").drawings()
    kept = {name: (ROOT / "docs" / "images" / name).read_text(encoding="utf-8") for name in drawn}
    assert kept == drawn, "bring them up to date: hatch run test:python scripts/draw.py"


def entries(menu: Any) -> Iterator[str]:
    """The pages of a menu, whose entries may be menus."""
    for item in menu:
        for entry in item.values():
            yield from [entry] if isinstance(entry, str) else entries(entry)


def test_every_page_is_in_the_menu_and_every_entry_of_the_menu_is_a_page() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert set(entries(menu)) == {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_of_a_page_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    targets = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [t for t in targets if not (page.parent / t).exists()] == []
