"""`mlforge store`: what is kept, as a whole."""

from __future__ import annotations

import os
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


def test_a_store_is_cleared_and_copied(mlforge: Mlforge, grown_shop: Path) -> None:
    staged = grown_shop / "feature_store" / "user_spend" / ".staging-00000000-0011223344556677"
    staged.write_bytes(b"left")
    os.utime(staged, (0, 0))
    told = mlforge("store", "gc", "--dry-run", cwd=grown_shop)
    assert (told.code, told.out.splitlines()) == (0, [str(staged), "1 leftovers would be removed, 4 bytes."])
    assert [one["bytes"] for one in mlforge("store", "gc", "--json", cwd=grown_shop).document["leftovers"]] == [4]
    assert not staged.exists()
    with (grown_shop / "mlforge.yaml").open("a", encoding="utf-8") as file:
        file.write("  backup:\n    offline_store: {KIND: local, path: backup}\n")
    copied = mlforge("store", "copy", "dev", "backup", cwd=grown_shop)
    assert (copied.code, copied.out) == (0, "3 versions copied, 0 were there.\n")
    assert mlforge("versions", "user_spend", "--profile", "backup", cwd=grown_shop).code == 0
    again = mlforge("store", "copy", "backup", "backup", cwd=grown_shop)
    assert (again.code, again.err.splitlines()[0]) == (1, "Error: The profiles 'backup' and 'backup' have one store.")
