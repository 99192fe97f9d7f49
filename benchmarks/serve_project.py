"""Make the project that is served: 50 features in 5 groups of 10 columns.

serve_project.py FOLDER ENTITIES STORE [timed]

With `timed` each row has an `event_time`, in 2025.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

DEFINITIONS = """
import mlforge as mlf

def group(n):
    @mlf.feature(name=f"group_{{n}}", source=f"group_{{n}}.parquet", keys="user_id", timestamp={timestamp!r})
    def made(df):
        return df
    return made

defs = mlf.Definitions("bench", features=[group(n) for n in range(5)])
"""
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def main():
    folder, entities, store = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    timed = sys.argv[4:] == ["timed"]
    random = np.random.default_rng(0)
    times = [BEGIN + timedelta(minutes=n) for n in range(entities)] if timed else []
    for group in range(5):
        columns = {f"g{group}_f{n}": random.random(entities) * 1000 for n in range(10)}
        rows = pl.DataFrame({"user_id": np.arange(entities)} | ({"event_time": times} if timed else {}) | columns)
        rows.write_parquet(folder / f"group_{group}.parquet")
    (folder / "definitions.py").write_text(DEFINITIONS.format(timestamp="event_time" if timed else None))
    (folder / "mlforge.yaml").write_text(
        f"default_profile: bench\nprofiles:\n  bench:\n    offline_store: {{KIND: local, path: store}}\n"
        f"    online_store: {store}\n"
    )
    for words in (["build", "--no-preview"], ["publish"]):
        subprocess.run([sys.executable, "-m", "mlforge", *words], cwd=folder, check=True)


main()
