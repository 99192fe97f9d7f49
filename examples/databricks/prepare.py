"""Some transactions, made up and always the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

START = datetime(2026, 1, 1, tzinfo=UTC)
Path("data").mkdir(exist_ok=True)
pl.DataFrame(
    {
        "user_id": [n * 7 % 50 for n in range(2000)],
        "event_time": [START + timedelta(minutes=23 * n) for n in range(2000)],
        "amt": [float(n * 31 % 97) for n in range(2000)],
    }
).write_parquet("data/transactions.parquet")
