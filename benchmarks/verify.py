"""Training data with a lock from a store that verifies its data, and from one that never does."""

import statistics
import sys
import tempfile
from pathlib import Path

from harness import alternate, report

ROWS = 10_000_000
USERS = 100_000


def main(options):
    """The same 10,000 labels from a version of 10 M rows, each side in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), int(ROWS * options.scale))
        size = sum(p.stat().st_size for p in Path(folder, "store").rglob("*.parquet"))
        sides = {word: [sys.executable, __file__, folder, word] for word in ("never", "relied")}
        found = alternate(sides, options.runs)
    report(f"10,000 labels, a version of {size / 1e6:,.0f} MB", found, {})
    never, relied = (statistics.median(r.cpu for r in found[word]) for word in ("never", "relied"))
    print(f"  {relied - never:.2f} s of CPU for hashing, {size / 1e9 / (relied - never):.1f} GB/s")


def definitions(folder, word):
    """A feature whose rows are the source's."""
    import mlforge as mlf

    @mlf.feature(source="rows.parquet", keys="user", timestamp="at")
    def measured(df):
        return df

    return mlf.Definitions("verify", [measured], root=folder, store=mlf.LocalStore(folder / "store", verify=word))


def build(folder, rows):
    """One version, of numbers that do not compress."""
    import numpy as np
    import polars as pl

    chance = np.random.default_rng(7)
    at = pl.Series("at", np.arange(rows) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    values = {f"v{n}": chance.random(rows) for n in range(3)}
    pl.DataFrame({"user": chance.integers(0, USERS, rows), "at": at, **values}).write_parquet(folder / "rows.parquet")
    definitions(folder, "never").build().raise_for_failure()


def retrieve(folder, word):
    """What a training job does."""
    from datetime import UTC, datetime

    import polars as pl

    labels = pl.DataFrame({"user": range(10_000)}).with_columns(at=datetime(1970, 2, 1, tzinfo=UTC))
    print(len(definitions(folder, word).get_training_data(labels, "measured", with_lock=True).frame))


if __name__ == "__main__":
    retrieve(Path(sys.argv[1]), sys.argv[2])
