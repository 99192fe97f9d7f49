"""The kit notices engines that cannot be open twice, or whose frames end with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlforge.testing import EngineTests
from mlforge.testing.engines.bench import Bench
from mlforge.testing.reference import DESCRIPTOR, Table
from mlforge.testing.reference.engine import Reference


class Closing(Reference):
    """An engine whose frames end with it, or that cannot be open twice."""

    opened = 0
    mistake = ""

    def open(self) -> Closing:
        return Closing()

    def __enter__(self) -> Any:
        Closing.opened += 1
        if self.mistake == "one at a time" and Closing.opened > 1:
            raise RuntimeError("It is open already.")
        self.frames: list[Table] = []
        return self

    def __exit__(self, *error: object) -> None:
        Closing.opened -= 1
        if self.mistake == "frames end with it":
            for frame in self.frames:
                frame.rows.clear()

    def read_version(self, artifact: Any, columns: Any = None) -> Table:
        frame = super().read_version(artifact, columns)
        self.frames.append(frame)
        return frame


OPENING = {
    "one at a time": "two_engines_are_open_at_once",
    "frames end with it": "what_was_read_is_there_when_the_engine_is_closed",
}


@pytest.mark.parametrize("mistake", OPENING)
def test_the_kit_notices_an_engine_that_opens_with(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = EngineTests()
    monkeypatch.setattr(tests, "config", Closing, raising=False)
    test = getattr(tests, f"test_{OPENING[mistake]}")
    for wrong in (mistake, ""):
        monkeypatch.setattr(Closing, "mistake", wrong)
        monkeypatch.setattr(Closing, "opened", 0)
        folder = tmp_path / (wrong or "right")
        folder.mkdir()
        with Closing() as engine:
            bench = Bench(engine, DESCRIPTOR, folder)
            if not wrong:
                test(bench=bench)
                continue
            with pytest.raises((Exception, pytest.fail.Exception)):
                test(bench=bench)
