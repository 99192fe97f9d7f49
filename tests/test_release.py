"""What a release does before anything is published: fragments become a changelog, tags are held to what there is."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ABOUT = '"""The version of this distribution."""\n\n__version__ = "{}"\n'


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return script


class House:
    """A small house with a core and one plugin, kept in Git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("towncrier.toml", "changes.jinja"):
            self.write(f"scripts/{name}", (ROOT / "scripts" / name).read_text(encoding="utf-8"))
        for name, needs in (("core", ""), ("toy", '"mlforge-core>=0.9,<1"')):
            self.write(f"packages/mlforge-{name}/src/{name}/__about__.py", ABOUT.format("0.9.0"))
            self.write(f"packages/mlforge-{name}/CHANGELOG.md", CHANGELOG)
            self.write(
                f"packages/mlforge-{name}/pyproject.toml",
                f'[project]\nname = "mlforge-{name}"\ndependencies = [{needs}]\n',
            )
        self.git("init", "-q", "-b", "main")
        self.commit("Begin")

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


CHANGELOG = "# Changes\n\nNewest first.\n\n<!-- changes come here -->\n\n## 0.9.0 (unreleased)\n\nThe first release.\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_fragments_become_the_part_of_a_version_what_must_be_done_first(house: House, scripts: Any) -> None:
    house.write(
        "packages/mlforge-toy/changes/+null-keys.new.md", "Rows with a null key are counted,\nand it says so.\n"
    )
    house.write("packages/mlforge-toy/changes/+names.breaking.md", "Call `a` now `b`.\n")
    house.commit("Count")
    scripts("changes").collect(house.root, "mlforge-toy", "2026-12-01")
    assert house.text("packages/mlforge-toy/CHANGELOG.md") == (
        "# Changes\n\nNewest first.\n\n<!-- changes come here -->\n\n## 0.9.0 (2026-12-01)\n\n"
        "- To do when you upgrade: Call `a` now `b`.\n- Rows with a null key are counted,\n  and it says so.\n\n"
        "The first release.\n"
    )
    assert not list((house.root / "packages/mlforge-toy").glob("changes/*"))
    assert house.text("packages/mlforge-core/CHANGELOG.md") == CHANGELOG


def test_the_next_version_stands_above_the_one_before(house: House, scripts: Any) -> None:
    scripts("changes").collect(house.root, "mlforge-toy", "2026-12-01")
    house.write("packages/mlforge-toy/src/toy/__about__.py", ABOUT.format("0.9.1"))
    house.write("packages/mlforge-toy/changes/+a.fix.md", "A fault is gone.\n")
    house.commit("Mend")
    scripts("changes").collect(house.root, "mlforge-toy", "2026-12-24")
    assert house.text("packages/mlforge-toy/CHANGELOG.md").partition("here -->\n\n")[2] == (
        "## 0.9.1 (2026-12-24)\n\n- A fault is gone.\n\n## 0.9.0 (2026-12-01)\n\nThe first release.\n"
    )
    release = scripts("release")
    assert release.unready(house.root, "mlforge-toy-v0.9.1") == []
    assert release.notes(house.root, "mlforge-toy", "0.9.1") == "- A fault is gone."
    assert release.notes(house.root, "mlforge-toy", "0.9.0") == "The first release."


def test_a_version_that_nothing_tells_of_is_not_collected(house: House, scripts: Any) -> None:
    house.write("packages/mlforge-toy/src/toy/__about__.py", ABOUT.format("0.9.1"))
    with pytest.raises(SystemExit, match=r"nothing tells of 0\.9\.1"):
        scripts("changes").collect(house.root, "mlforge-toy", "2026-12-01")
    assert house.text("packages/mlforge-toy/CHANGELOG.md") == CHANGELOG
    with pytest.raises(SystemExit, match="There is no package mlforge-toi"):
        scripts("changes").collect(house.root, "mlforge-toi", "2026-12-01")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("v0.9.0", "is no tag of a package here"),
        ("mlforge-toi-v0.9.0", "is no tag of a package here"),
        ("mlforge-toy-v0.9", "is no tag of a package here"),
        ("mlforge-toy-v0.9.1", r"The tag says 0\.9\.1, packages/mlforge-toy says 0\.9\.0: hatch version 0\.9\.1\."),
        ("mlforge-toy-v0.9.0", "has no dated 0.9.0: hatch run changes collect mlforge-toy"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(house: House, scripts: Any, tag: str, said: str) -> None:
    assert re.search(said, "\n".join(scripts("release").unready(house.root, tag)))


def test_a_fragment_that_is_left_is_told_before_the_release(house: House, scripts: Any) -> None:
    scripts("changes").collect(house.root, "mlforge-toy", "2026-12-01")
    house.write("packages/mlforge-toy/changes/+late.fix.md", "Late.\n")
    (said,) = scripts("release").unready(house.root, "mlforge-toy-v0.9.0")
    assert said == "packages/mlforge-toy/changes has +late.fix.md: hatch run changes collect mlforge-toy."


def test_a_package_whose_code_changes_must_tell_of_it(house: House, scripts: Any) -> None:
    changes = scripts("changes")
    house.git("checkout", "-q", "-b", "work")
    house.write("packages/mlforge-toy/src/toy/more.py", "MORE = 1\n")
    house.write("packages/mlforge-core/tests/test_more.py", "")
    house.commit("Do more")
    (said,) = changes.untold(house.root, "main")
    assert said.startswith("mlforge-toy changed, and nothing tells of it: add packages/mlforge-toy/changes/")
    house.write("packages/mlforge-toy/changes/+more.new.md", "There is more.\n")
    house.commit("Tell of it")
    assert changes.untold(house.root, "main") == []


def test_a_commit_may_say_that_nobody_sees_it(house: House, scripts: Any) -> None:
    house.git("checkout", "-q", "-b", "work")
    house.write("packages/mlforge-toy/src/toy/more.py", "MORE = 1\n")
    house.commit("Move a line\n\nChangelog: none")
    assert scripts("changes").untold(house.root, "main") == []


@pytest.mark.parametrize("name", ["more.md", "+more.news.md", "+More.new.md", "1.new.md"])
def test_a_fragment_that_would_be_passed_over_is_told(house: House, scripts: Any, name: str) -> None:
    house.write(f"packages/mlforge-toy/changes/{name}", "More.\n")
    (said,) = scripts("changes").misnamed(house.root)
    assert said.startswith(f"packages/mlforge-toy/changes/{name}: call it +WORDS.breaking.md")


def test_every_package_of_the_house_has_a_place_for_its_changes() -> None:
    pages = list(ROOT.glob("packages/*/CHANGELOG.md"))
    assert len(pages) == len(list(ROOT.glob("packages/*/pyproject.toml")))
    assert all(page.read_text(encoding="utf-8").count("\n<!-- changes come here -->\n") == 1 for page in pages)
    assert script("changes").misnamed(ROOT) == []


def test_old_is_tried_with_new_where_there_is_something_old(house: House, scripts: Any) -> None:
    smoke = scripts("smoke")
    assert smoke.pairs(house.root, "mlforge-toy") == []
    for tag in ("mlforge-core-v0.8.0", "mlforge-core-v0.10.0", "mlforge-core-v0.9.3", "mlforge-toy-v0.9.10"):
        house.git("tag", tag)
    house.git("tag", "mlforge-toy-v0.9.2")
    assert smoke.pairs(house.root, "mlforge-toy") == [
        ("mlforge-toy", None, "mlforge-core-v0.9.3"), ("mlforge-toy", "mlforge-toy-v0.9.2", None),
    ]  # fmt: skip
    assert smoke.pairs(house.root, "mlforge-core") == []
    house.write("packages/mlforge-core/src/core/__about__.py", ABOUT.format("1.0.0"))
    assert smoke.pairs(house.root, "mlforge-toy") == [("mlforge-toy", None, "mlforge-core-v0.9.3")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["release.py", "check", "mlforge-toi-v1.0.0"], "is no tag of a package here"),
        (["smoke.py", "mlforge-toi"], "no such package: mlforge-toi"),
        (["changes.py", "collect", "mlforge-toi"], "There is no package mlforge-toi"),
    ],
)
def test_what_is_not_there_is_told_on_the_command_line(words: list[str], said: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / words[0]), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr and "Traceback" not in done.stderr
