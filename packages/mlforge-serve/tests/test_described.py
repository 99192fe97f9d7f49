"""The server does what its description says: schemathesis asks, from the description alone and with real features."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Server = Any
PRESENT = 'mlforge_feature_values_total{feature="spend",status="present"}'
HOOKS = """
import msgspec
import schemathesis

@schemathesis.deserializer("application/msgpack")
def unpacked(context, response):
    return msgspec.msgpack.decode(response.content)
"""
REAL = """
SHOP = {"brand": "Bo", "street": None}
DAY = {"day": "2024-03-01"}
KEYS = {"spend": {"user_id": 1}, "places": {"city": "Oslo", **DAY}, "shops": SHOP, "shifts": DAY}

@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict) or not isinstance(body.get("features"), list) or not body["features"]:
        return body
    names = list(KEYS)[: len(body["features"])]
    entity = {key: value for name in names for key, value in KEYS[name].items()}
    if isinstance(body.get("entities"), list):
        return body | {"features": names, "entities": [entity for _ in body["entities"]]}
    return body | {"features": names, "entity": entity}
"""


@pytest.mark.parametrize(
    ("hooks", "words"),
    [(HOOKS, []), (HOOKS + REAL, ["--mode", "positive", "--include-path-regex", "online|batch"])],
    ids=["anything", "real features"],
)
def test_schemathesis_finds_nothing(server: Server, tmp_path: Path, hooks: str, words: list[str]) -> None:
    (tmp_path / "served_hooks.py").write_text(hooks)
    before = server.metrics()[PRESENT]
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    command = [Path(sys.executable).parent / "st", "run", url, "--checks", "all", "--max-examples", "15", *words]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "served_hooks", "PYTHONPATH": str(tmp_path), "NO_COLOR": "1"}
    done = subprocess.run([str(w) for w in command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (server.metrics()[PRESENT] > before) == (REAL in hooks)
    assert "failed" not in server.log


def test_messagepack_answers_hold_to_the_description_too(server: Server, tmp_path: Path) -> None:
    (tmp_path / "served_hooks.py").write_text(HOOKS + REAL)
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    words = ["--checks", "all", "--max-examples", "10", "--mode", "positive", "-H", "Accept: application/msgpack"]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "served_hooks", "PYTHONPATH": str(tmp_path), "NO_COLOR": "1"}
    command = [str(Path(sys.executable).parent / "st"), "run", url, *words]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot validate" not in done.stdout
