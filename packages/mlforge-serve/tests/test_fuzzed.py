"""Nobody gets a 500, whatever is sent. The long form: hatch run fuzz, a hundred thousand requests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/fuzz_serve.py"


def test_two_thousand_strange_requests_find_no_defect() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--requests", "2000", "--seed", "7"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2,000 requests, no 500" in done.stdout
