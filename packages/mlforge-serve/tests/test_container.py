"""The image, as far as it can be checked without an engine: its file, and its steps in an empty environment."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
HOUSE = Path(__file__).resolve().parents[3]
FILE = HOUSE / "packages/mlforge-serve/Containerfile"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "MLFORGE", "HATCH", "COV_"))}


@pytest.fixture
def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, those before the first one left out."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text())
    lines = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for word, rest in lines:
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def of(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in stage if name == word]


def test_the_last_stage_has_what_serves_and_no_tools_to_build_with(stages: list[list[tuple[str, str]]]) -> None:
    assert len(stages) == 2
    last = stages[-1]
    assert of(last, "COPY") == ["--from=build /opt/mlforge /opt/mlforge"]
    assert "pip uninstall" in of(last, "RUN")[0]
    assert not re.search(r"apt|gcc|pip install|curl|wget", " ".join(of(last, "RUN")))


def test_nobody_is_root(stages: list[list[tuple[str, str]]]) -> None:
    (user,) = of(stages[-1], "USER")
    assert all(int(number) > 0 for number in user.split(":"))
    names = [name for name, _ in stages[-1]]
    assert names.index("USER") > max(n for n, name in enumerate(names) if name == "RUN")


def test_the_image_wants_keys_unless_told_otherwise(stages: list[list[tuple[str, str]]]) -> None:
    assert json.loads(of(stages[-1], "CMD")[-1]) == ["--api-key-file", "/project/keys.yaml"]
    assert json.loads(of(stages[-1], "ENTRYPOINT")[0])[:2] == ["mlforge", "serve"]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, str(FILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What the first stage makes: an environment with the wheels and nothing else."""
    run([sys.executable, HOUSE / "scripts/build.py", "mlforge-core", "mlforge-serve", "--out", tmp_path / "wheels"])
    run([sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, tmp_path / "mlforge"])
    python = tmp_path / "mlforge/bin/python"
    wheels = sorted((tmp_path / "wheels").glob("*.whl"))
    run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *wheels])
    return tmp_path / "mlforge/bin"


def test_the_steps_of_the_image_serve_a_published_store_and_stop(
    installed: Path, published: Path, tmp_path: Path, stages: list[list[tuple[str, str]]], wait: Run
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mlforge.yaml").write_text(
        f"default_profile: p\nprofiles: {{p: {{online_store: {{KIND: sqlite, path: {published / 'online.db'}}}}}}}\n"
    )
    key = run([installed / "mlforge", "serve-key", "me", "--api-key-file", "keys.yaml"], folder).stdout.strip()
    words = json.loads(of(stages[-1], "ENTRYPOINT")[0])
    words = [installed / words[0], *words[1:-1], "0", "--api-key-file", "keys.yaml", "--features", "spend"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([str(w) for w in words], cwd=folder, env=CLEAN, stderr=log)
    try:
        wait(lambda: ", 1 worker" in (tmp_path / "log").read_text())
        found = re.search(r":(\d+), 1 worker", (tmp_path / "log").read_text())
        assert found
        health = json.loads(of(stages[-1], "HEALTHCHECK")[0].partition(" CMD ")[2])
        wait(
            lambda: (
                not run([installed / health[0], health[1], health[2].replace("8000", found[1])], ok=False).returncode
            )
        )
        asked = json.dumps({"features": ["spend"], "entity": {"user_id": 2}}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"http://127.0.0.1:{found[1]}/features/online", asked, headers)
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["values"]["visits"] == 2
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def run(words: list[Any], folder: Path = HOUSE, ok: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(w) for w in words], cwd=folder, env=CLEAN, capture_output=True, text=True, check=ok)
