"""Answering with derived columns: five of them, computed in core of what is served, for one row and for a hundred.

What is measured is their evaluation alone, in this process: reading the store costs the same with and without them.
"""

import statistics
import time
from datetime import UTC, datetime

from mlforge import at, coalesce, col, days, when
from mlforge.plugin.engine.evaluation import Derivation

WORDS = {
    "amount_7d": "Float64",
    "amount_30d": "Float64",
    "events_7d": "Int64",
    "last_paid": "Datetime",
    "kind": "String",
}
COLUMNS = {
    "trend": col("amount_7d") / col("amount_30d"),
    "days_since": (at() - col("last_paid")) / days(1),
    "is_large": (col("amount_7d") > 100) & ~col("events_7d").is_null(),
    "mean": when(col("events_7d") > 0).then(col("amount_7d") / col("events_7d")).otherwise(0.0),
    "word": coalesce(col("kind").strip().lower(), "none"),
}
NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
LIMITS = {1: 0.05, 100: 1.0}
"""Milliseconds, by how many rows are answered at once."""


def rows(count):
    """Rows as a store gives them, one in ten of an entity that nobody knows."""
    for n in range(count):
        known = n % 10 != 9
        values = (n * 1.5, n * 9.0 + 1, n % 7, datetime(2026, 1, 1 + n % 5, tzinfo=UTC), " Refund ")
        yield dict(zip(WORDS, values if known else (None,) * len(WORDS), strict=True))


def main(options):
    """Print the median, and the slowest tenth, of many answers beside their limits."""
    made = Derivation(COLUMNS, WORDS)
    for count, limit in LIMITS.items():
        given, times = list(rows(count)), []
        for _ in range(max(20, int(20_000 * options.scale) // count)):
            start = time.perf_counter()
            made.of_each(given, NOW)
            times.append((time.perf_counter() - start) * 1000)
        median, slow = statistics.median(times), statistics.quantiles(times, n=10)[-1]
        told = "met" if median <= limit else "MISSED"
        print(
            f"{len(COLUMNS)} derived columns, {count:3} rows: {median:.4f} ms, nine of ten within {slow:.4f} ms", end=""
        )
        print(f" (limit {limit} ms: {told})")
