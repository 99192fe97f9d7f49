"""On a terminal: tables fit, colours can be turned off, and progress goes away when it is done."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]

LONG = """

@mlf.feature(source=purchases, entities=[user], timestamp="event_time", tie_break="amount",
    tags=["a_tag", "another_tag"])
def a_feature_whose_name_somebody_made_much_longer_than_any_name_should_be(df):
    '''A description that goes on for quite a while, so that no table of eighty columns could hold it in one line.'''
    return df
"""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)[;m]")


def on_a_terminal(*words: str, cwd: Path, columns: int = 80, **environment: str) -> str:
    """What a terminal of that width would have received."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    env |= {"TERM": "xterm-256color", "PYTHONUTF8": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "mlforge", *words], cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    text = b"".join(_read(ours)).decode()
    process.wait(30)
    os.close(ours)
    return text


def _read(terminal: int) -> Iterator[bytes]:
    try:
        while data := os.read(terminal, 65536):
            yield data
    except OSError:  # Linux: the other end is closed
        return


@pytest.fixture
def long_shop(shop: Path) -> Path:
    with (shop / "features.py").open("a", encoding="utf-8") as file:
        file.write(LONG)
    return shop


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("words", [["list"], ["list", "tags"], ["build"], ["plugins"]], ids=" ".join)
def test_no_line_is_wider_than_the_terminal(long_shop: Path, words: list[str], columns: int) -> None:
    text = CONTROL.sub("", on_a_terminal(*words, cwd=long_shop, columns=columns))
    lines = text.replace("\r", "\n").splitlines()
    assert any(lines)
    assert max(map(len, lines)) <= columns


def test_what_does_not_fit_is_wrapped_and_never_cut(long_shop: Path) -> None:
    text = CONTROL.sub("", on_a_terminal("list", cwd=long_shop))
    for part in ("user_spend", "last_purchase", "a_tag, another_tag"):
        assert part in text
    assert "…" not in text


def test_columns_of_a_preview_that_do_not_fit_are_named(long_shop: Path) -> None:
    text = CONTROL.sub("", on_a_terminal("build", "--features", "user_spend", cwd=long_shop, columns=60))
    assert re.search(r"and \d columns? more: .*mean_amount_28d", " ".join(text.split()))


def test_in_a_pipe_a_row_is_a_line(mlforge: Mlforge, long_shop: Path) -> None:
    lines = mlforge("list", cwd=long_shop).out.splitlines()
    assert len(lines) == 4
    assert lines[3].endswith("could hold it in one line.")
    assert all(line == line.rstrip() for line in lines)


def test_there_is_colour_on_a_terminal_unless_it_is_turned_off(shop: Path) -> None:
    assert COLOUR.search(on_a_terminal("build", "--dry-run", cwd=shop))
    for words in (["build", "--dry-run"], ["biuld"], ["build", "--features", "x"]):
        assert not COLOUR.search(on_a_terminal(*words, cwd=shop, NO_COLOR="1"))


def test_progress_is_shown_and_erased(shop: Path) -> None:
    text = on_a_terminal("build", "--force", cwd=shop)
    assert " … " in text or "starting …" in text
    assert "\x1b[2K" in text
    assert "\x1b[?25h" in text, "the cursor comes back"


def test_a_terminal_that_knows_no_unicode_gets_question_marks_instead_of_a_crash(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("list", "versions", cwd=shop, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert answer.code == 0
    assert "?" in answer.out


@pytest.mark.parametrize("columns", ["-5", "0", "1", "17"])
def test_a_width_that_holds_nothing_is_not_taken_at_its_word(mlforge: Mlforge, built_shop: Path, columns: str) -> None:
    for words in (["list"], ["inspect", "user_spend"], ["plugins"]):
        answer = mlforge(*words, cwd=built_shop, COLUMNS=columns)
        assert answer.code == 0
        assert max(map(len, answer.out.splitlines())) > 9
        assert words == ["plugins"] or "user_" in "".join(answer.out.split())
