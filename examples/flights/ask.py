"""Start `mlforge serve` on the published features, ask it one question, and stop it."""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TYPE = {"Content-Type": "application/json"}


@contextmanager
def server() -> Iterator[str]:
    """A server of this folder's project, at a free port: its address."""
    command = [sys.executable, "-m", "mlforge", "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=HERE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield address(process)
    finally:
        process.terminate()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """Where it listens, once its store answers."""
    said = ""
    for line in process.stderr or ():
        said += line
        if found := re.search(r"http://\S+:\d+", said):
            wait(f"{found[0]}/ready")
            return found[0]
    sys.exit(f"The server did not start:\n{said}")


def wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{url} does not answer.")


def ask(url: str, features: Sequence[str], entity: dict[str, Any]) -> tuple[str, Any]:
    """Ask as anybody would, with curl where there is one: what was typed, and the answer."""
    body = json.dumps({"features": features, "entity": entity, "full_names": True})
    typed = f"curl {url}/features/online -H 'Content-Type: application/json' \\\n    -d '{body}'"
    if curl := shutil.which("curl"):
        words = [
            curl,
            "--silent",
            f"{url}/features/online",
            "--header",
            "Content-Type: application/json",
            "--data",
            body,
        ]
        return typed, json.loads(subprocess.run(words, capture_output=True, check=True).stdout)  # noqa: S603
    request = urllib.request.Request(f"{url}/features/online", body.encode(), TYPE)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return typed, json.load(answer)
