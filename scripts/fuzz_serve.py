"""Send a server bodies and headers that nobody in their right mind would, and see that it never answers 500.

It starts `mlforge serve` for a new project of its own, over the embedded store.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATHS = (
    "/features/online",
    "/features/batch",
    "/features",
    "/features/x",
    "/health",
    "/ready",
    "/metrics",
    "/docs",
    "/?",
)
METHODS = ("POST",) * 40 + ("GET", "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "X")
TYPES = ("application/json",) * 20 + ("application/msgpack", "text/plain", "", ";", "application/json; charset=x", "é")
NAMES = ("user_spend", "last_purchase", "user_spend@1.0.0", "user_spend@", "@", "", "nobody", "é" * 40, "\0")
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    10**30,
    1e308,
    -0.0,
    "",
    "u01",
    "\0",
    "\u202e",
    "x" * 999,
    [],
    {},
    [[[]]],
)
TAGS = ("date", "datetime", "bytes", "float", "x")


class Fuzz:
    """Requests by chance: most nearly right, so that they come far."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - nothing is secret here

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        """A method, a path, a body and headers."""
        pick = self.chance.choice
        path = pick(PATHS[:2]) if self.chance.random() < 0.8 else pick(PATHS) + self.noise(20).decode("latin-1")
        headers = {"content-type": pick(TYPES), "accept": pick((*TYPES, "*/*;q=x", "application/msgpack;q=1e99"))}
        if self.chance.random() < 0.2:
            headers[pick(("authorization", "x-api-key", "origin", "expect"))] = self.noise(60).decode("latin-1")
        return pick(METHODS), quoted(path), self.body(path), {k: clean(v) for k, v in headers.items()}

    def body(self, path: str) -> bytes:
        if self.chance.random() < 0.05:
            return self.noise(300)
        document: Any = {"features": self.features()}
        many = [self.entity() for _ in range(self.chance.randrange(5))]
        document |= {"entities": many} if path.endswith("batch") else {"entity": self.entity()}
        if self.chance.random() < 0.2:
            document[self.chance.choice(("full_names", "x", "entity", "features"))] = self.value()
        data = bytearray(json.dumps(document).encode())
        while self.chance.random() < 0.15:
            data[self.chance.randrange(len(data))] = self.chance.randrange(256)
        return bytes(data if self.chance.random() < 0.9 else data[: self.chance.randrange(len(data))])

    def features(self) -> list[Any]:
        names = [self.chance.choice(NAMES[: 2 if self.chance.random() < 0.7 else None]) for _ in range(2)]
        picks = [{"name": n, "columns": [self.chance.choice(("amount", "x"))]} for n in names]
        return list(dict.fromkeys(names)) if self.chance.random() < 0.8 else picks

    def entity(self) -> dict[str, Any]:
        return {self.chance.choice(("user_id", "user_id", "x")): self.value() for _ in range(2)}

    def value(self) -> Any:
        if self.chance.random() < 0.7:
            return f"u{self.chance.randrange(30):02}"
        if self.chance.random() < 0.2:
            return {
                self.chance.choice(TAGS): self.chance.choice(("2024-02-29", "AA==", "", 1, "9999-12-31T23:59:59-23:59"))
            }
        return self.chance.choice(ODD)

    def noise(self, longest: int) -> bytes:
        return self.chance.randbytes(self.chance.randrange(longest))


def quoted(path: str) -> str:
    return "".join(c if "!" <= c <= "~" else f"%{ord(c):02x}" for c in path)


def clean(value: str) -> str:
    """A header that an HTTP client can send at all."""
    return re.sub(r"[\r\n\0]", " ", value).encode("utf-8").decode("latin-1")


def fuzz(port: int, requests: int, seed: int) -> Counter[int]:
    """Send requests, and count the statuses of the answers. Exits at the first 500."""
    made, statuses = Fuzz(seed), Counter[int]()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in range(requests):
        method, path, body, headers = made.request()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (http.client.HTTPException, ConnectionError):  # not HTTP: the server says so and closes
            connection.close()
            statuses[0] += 1
            continue
        statuses[answer.status] += 1
        if answer.status == 500:
            sys.exit(
                f"request {number} of seed {seed} is answered 500:\n{method} {path}\n{headers}\n{body!r}\n{said!r}"
            )
    connection.close()
    return statuses


@contextmanager
def served() -> Iterator[tuple[int, Path]]:
    """A new project, built, published and served: the port, and the server's log."""
    with tempfile.TemporaryDirectory() as folder:
        shop, log = Path(folder, "shop"), Path(folder, "log")
        mlforge = [sys.executable, "-m", "mlforge"]
        subprocess.run([*mlforge, "init", "shop"], cwd=folder, check=True, capture_output=True)
        profiles = shop / "mlforge.yaml"
        text = profiles.read_text().replace("engine: polars\n", "engine: polars\n    online_store: sqlite\n", 1)
        profiles.write_text(text)
        for words in ("build", "publish"):
            subprocess.run([*mlforge, words], cwd=shop, check=True, capture_output=True)
        with log.open("wb") as stream:
            process = subprocess.Popen([*mlforge, "serve", "--port", "0"], cwd=shop, stderr=stream)
        try:
            while not (found := re.search(r":(\d+), 1 worker", log.read_text())) or "answers" not in log.read_text():
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.05)
            yield int(found[1]), log
        finally:
            process.terminate()
            process.wait(30)


def main() -> None:
    """Fuzz, and say what was answered how often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--seed", type=int, default=0, help="another number sends others (0)")
    options = parser.parse_args()
    with served() as (port, log):
        statuses = fuzz(port, options.requests, options.seed)
        told = log.read_text()
    if "Traceback" in told or not statuses[200]:
        sys.exit(told or "nothing was answered well")
    shown = ", ".join(f"{status or 'closed'}: {count:,}" for status, count in sorted(statuses.items()))
    print(f"{options.requests:,} requests, no 500. {shown}")


if __name__ == "__main__":
    main()
