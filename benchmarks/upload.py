"""Building to a bucket beside building to this machine and a bare upload of the same bytes; and the memory of 2 GB."""

import os
import sys
import tempfile
from pathlib import Path

from harness import FLOORS, HERE, alternate, measure, report

sys.path.append(str(HERE.parent / "tests" / "reliability"))
TIMES, MORE = 1.2, 150
"""The goals: of both together, in time; and MiB over sending little."""


def main(options):
    """2 M rows × 10 columns to SeaweedFS; then files of 2 GB to it and to an emulator of Google's storage."""
    from hurt import servers

    os.environ |= servers.KEYS
    with tempfile.TemporaryDirectory() as folder, servers.s3(Path(folder)) as s3, servers.gcs() as gcs:
        build(folder, s3, options)
        for kind, url in (("s3", s3), ("gcs", gcs)):
            memory(folder, kind, url, options)


def build(folder, url, options):
    """Compare the time of a build to the bucket with the sum of its two parts."""
    rows = int(2_000_000 * options.scale)
    measure([sys.executable, FLOORS / "pit_data.py", rows, 1000, 100_000, 10, folder])
    local, data = Path(folder, "store"), Path(folder, "data.parquet")
    to = [sys.executable, HERE / "build_to.py", folder, options.engine]
    measure([*to, local])
    data.write_bytes(next(local.rglob("data*.parquet")).read_bytes())
    sides = {
        "to this machine": [*to, local],
        "bare upload": [sys.executable, FLOORS / "upload_obstore.py", data, url],
        "to the bucket": [*to, url],
    }
    found = alternate(sides, options.runs)
    title = f"Upload ({options.engine}): {rows:,} rows × 10 columns, {data.stat().st_size / 2**20:,.0f} MiB"
    ratios = report(title, found, {})
    ratio = ratios["to the bucket"] / (1 + ratios["bare upload"])
    print(f"  to the bucket / both together: × {ratio:.2f} (goal ≤ {TIMES}: {'met' if ratio <= TIMES else 'MISSED'})")


def memory(folder, kind, url, options):
    """Compare the peak memory of sending 2 GB with that of sending little."""
    peaks = []
    for size in (2**20, int(2 * 2**30 * options.scale)):
        with (path := Path(folder, "large")).open("wb") as file:
            for _ in range(size // 2**20):
                file.write(os.urandom(2**20))
        peaks.append(measure([sys.executable, HERE / "commit_file.py", kind, url, path]).mebibytes)
        path.unlink()
    more = peaks[1] - peaks[0]
    verdict = "met" if more <= MORE else "MISSED"
    print(
        f"  {kind}, {size / 2**20:,.0f} MiB: {more:,.0f} MiB more than for 1 MiB (goal ≤ {MORE}: {verdict})", flush=True
    )
