"""Being stopped: Ctrl-C, a reader that goes away, and what nobody foresaw."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unmeasured

Mlforge = Callable[..., Any]
Edit = Callable[[Path, str, str], None]


@pytest.mark.posix
def test_ctrl_c_is_one_line_and_exit_code_130(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "features.py", 'return df.select("user_id", "event_time", "amount")',
         "import os, signal, time\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(30)")  # fmt: skip
    answer = mlforge("build", "--features", "user_spend", cwd=shop)
    assert answer.code == 130
    assert answer.out == ""
    said = [line for line in answer.err.splitlines() if not line.startswith("user_spend: ")]
    assert said == ["Interrupted. Nothing half-built is visible to anybody."]
    assert not (shop / "feature_store" / "user_spend").exists()


def test_ctrl_c_while_the_definitions_are_read_is_the_same(mlforge: Mlforge, shop: Path) -> None:
    with (shop / "features.py").open("a", encoding="utf-8") as file:
        file.write("\nraise KeyboardInterrupt\n")
    answer = mlforge("list", cwd=shop)
    assert (answer.code, answer.err) == (130, "Interrupted. Nothing half-built is visible to anybody.\n")


ENDED = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "mlforge.cli.app":
            os.kill(own, signal.SIGTERM)
            print("went on")

own, os.getpid = os.getpid(), lambda: {number}
sys.meta_path.insert(0, Finder())
sys.argv = ["mlforge", "--version"]
from mlforge.cli import main
main()
"""


@pytest.mark.posix
@pytest.mark.parametrize(("number", "code"), [("1", 143), ("own", -15)])
def test_the_first_process_of_a_container_ends_at_sigterm_while_modules_are_loaded(number: str, code: int) -> None:
    """The kernel drops a signal that such a process has no handler for; any other process needs none."""
    line = [sys.executable, "-c", ENDED.format(number=number)]
    run = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (code, "", "")


INTERRUPTED = """
import sys
from importlib.abc import MetaPathFinder

class Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
sys.argv = ["mlforge", {command!r}]
from mlforge.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("mlforge.cli.app", "list"),
        ("click", "list"),
        ("mlforge.plugin.registry", "list"),
        ("mlforge.definitions", "list"),
        ("mlforge_polars.plugin", "plugins"),
    ],
)
def test_ctrl_c_while_modules_are_loaded_is_one_line(fresh_shop: Path, module: str, command: str) -> None:
    program = INTERRUPTED.format(module=module, command=command)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=fresh_shop, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 130
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Interrupted.")


PRESSED = """
import os, signal, sys, threading, time
from mlforge.cli import main

def press():
    begun.wait()
    time.sleep({after})
    os.kill(os.getpid(), signal.SIGINT)

begun = threading.Event()
threading.Thread(target=press, daemon=True).start()
sys.argv = ["mlforge", *{words!r}]
begun.set()
main()
"""


@pytest.mark.posix
@pytest.mark.parametrize("after", [0.03, 0.07, 0.15, 0.25, 0.4])
@pytest.mark.parametrize("words", [["plugins"], ["list"], ["build", "--force"]], ids=" ".join)
def test_ctrl_c_at_any_moment_is_one_line_or_comes_too_late(fresh_shop: Path, words: list[str], after: float) -> None:
    program = [sys.executable, "-c", PRESSED.format(after=after, words=words)]
    done = subprocess.run(
        program, cwd=fresh_shop, env=unmeasured.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    said = [line for line in done.stderr.splitlines() if " … " not in line]
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 130, -2), done
    assert [line.startswith("Interrupted.") for line in said] == ([True] if said else []), said


@pytest.mark.linux
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["plugins"], ["list", "--target", "no.py", "--json"]])
def test_an_answer_that_cannot_be_written_is_one_error(fresh_shop: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mlforge", *words], cwd=fresh_shop, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["Error:", "Hint:"]
    assert ("No space left on device" in done.stderr) == ("no.py" not in words)
    assert "defect" not in done.stderr


@pytest.mark.posix
@pytest.mark.parametrize(("words", "code"), [("list", 0), ("list --json", 0), ("build --dry-run", 0), ("nosuch", 2)])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_streams_that_the_caller_closed_change_no_exit_code(
    fresh_shop: Path, words: str, code: int, closed: str
) -> None:
    program = f'"{sys.executable}" -m mlforge {words} {closed}'
    done = subprocess.run(["bash", "-c", program], cwd=fresh_shop, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


FORGOTTEN = """
import os, signal, sys, weakref
from mlforge.cli import main
import mlforge.cli.app as app

class Held: pass

def pressed(_):
    raise KeyboardInterrupt

def run(**_):
    held = Held()
    ref = weakref.ref(held, pressed)
    del held
    for _ in range(50_000_000): pass
    return 0

app.run = run
main()
"""


def test_ctrl_c_in_a_callback_is_not_forgotten(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGOTTEN], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")


@pytest.mark.posix
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error_to_talk_about(fresh_shop: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mlforge", *words],
        cwd=fresh_shop,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_warning_of_the_store_is_a_line_without_a_traceback(mlforge: Mlforge, grown_shop: Path) -> None:
    next((grown_shop / "feature_store" / "user_spend" / "1.1.0").glob(".meta.json")).write_text("{", encoding="utf-8")
    answer = mlforge("manifest", "--regenerate", cwd=grown_shop)
    assert answer.code == 0
    assert answer.err.startswith("Warning: user_spend is not in the manifest: ")
    assert "Traceback" not in answer.err


@pytest.mark.linux
def test_a_path_that_is_no_utf8_is_one_document_too(mlforge: Mlforge, fresh_shop: Path, tmp_path: Path) -> None:
    out = f"{tmp_path}/{os.fsdecode(b'caf' + bytes([0xE9]))}"
    answer = mlforge("catalog", "--out", out, "--json", cwd=fresh_shop)
    assert (answer.code, answer.document["features"]) == (0, 2)
    assert answer.document["start"].endswith("caf\\udce9/index.html")


@pytest.mark.posix
@pytest.mark.parametrize(
    "words", ["list", "build", "profile", "catalog", "search spend", "list --target definitions.py"]
)
def test_a_folder_that_is_gone_is_said(words: str, tmp_path: Path) -> None:
    called = f'mkdir gone; cd gone; rmdir ../gone; "{sys.executable}" -m mlforge {words}'
    done = subprocess.run(["bash", "-c", called], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'Error: The folder that you are in is gone.\nHint: Where it was made anew: cd "$PWD"\n'


TALKATIVE = """
import atexit, os, subprocess, sys, threading, time
print("print")
print("own", file=sys.__stdout__)
os.write(1, b"number\\n")
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
atexit.register(lambda: print("last"))
threading.Thread(target=lambda: (time.sleep(1), print("late"))).start()
"""


@pytest.mark.parametrize(("words", "code"), [("list --json", 0), ("list sets nosuch --json", 2), ("list --json", 1)])
def test_nothing_that_definitions_print_in_any_way_gets_between_json(
    mlforge: Mlforge, shop: Path, words: str, code: int
) -> None:
    with (shop / "features.py").open("a", encoding="utf-8") as file:
        file.write(TALKATIVE + ("raise ValueError" if code == 1 else ""))
    answer = mlforge(*words.split(), cwd=shop)
    assert answer.code == code
    assert ("features" if code == 0 else "error") in answer.document
    if code != 2:
        assert [w for w in ("print", "own", "number", "child", "last", "late") if w not in answer.err.split()] == []
