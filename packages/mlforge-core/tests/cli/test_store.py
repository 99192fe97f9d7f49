"""`mlforge store`: what is kept, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Mlforge = Callable[..., Any]


def test_a_damaged_store_is_told_repaired_and_told_again(mlforge: Mlforge, grown_shop: Path) -> None:
    fine = mlforge("store", "verify", cwd=grown_shop)
    assert (fine.code, fine.out) == (0, "3 versions of 2 features, 3 files: all as it should be.\n")
    (grown_shop / "feature_store" / "user_spend" / "_latest.json").write_text("{")
    found = mlforge("store", "verify", "--json", cwd=grown_shop)
    assert (found.code, found.document["ok"]) == (1, False)
    assert [f["feature"] for f in found.document["findings"]] == ["user_spend", None]
    repaired = mlforge("store", "verify", "--repair", cwd=grown_shop)
    assert repaired.code == 0
    assert "Repaired: point readers at 1.1.0, the newest that is whole." in repaired.out
    data = grown_shop / "feature_store" / "user_spend" / "1.0.0" / "data.parquet"
    data.write_bytes(data.read_bytes()[::-1])
    damaged = mlforge("store", "verify", "--repair", cwd=grown_shop)
    assert damaged.code == 1
    assert f"user_spend 1.0.0: {data} is damaged" in damaged.out
    assert damaged.out.endswith("1 wrong.\n")
