"""What a command that serves is handed: names and a store, and nothing that the definitions import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]
LOOK = """
import sys
from mlforge.cli.invocation import Invocation
from mlforge.errors import MlforgeError
try:
    found = Invocation().served({arguments})
except MlforgeError as error:
    print(type(error).__name__, error)
else:
    print(found.project, found.features, found.store)
    with found.store.open() as store:
        print(len(found.reader(store, list(found.features)).schema.names))
print([m for m in ("polars", "features", "definitions") if m in sys.modules])
"""


def look(folder: Path, arguments: str = "") -> list[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFORGE")}
    command = [sys.executable, "-W", "error", "-c", LOOK.format(arguments=arguments)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture
def published(grown_shop: Path, mlforge: Mlforge) -> Path:
    """A shop whose features are served from a file."""
    file = grown_shop / "mlforge.yaml"
    file.write_text(file.read_text().replace("engine: polars\n", "engine: polars\n    online_store: sqlite\n", 1))
    assert mlforge("publish", cwd=grown_shop).code == 0
    return grown_shop


def test_names_and_the_store_come_without_what_the_definitions_import(published: Path) -> None:
    told, columns, loaded = look(published)
    store = f"SQLiteOnlineStore(path={str(published / 'online.db')!r}, timeout=30.0)"
    assert told == f"shop ('user_spend', 'last_purchase') {store}"
    assert int(columns) > 2
    assert loaded == "[]"


def test_a_profile_alone_is_enough_where_the_features_are_named(published: Path) -> None:
    (published / "definitions.py").write_text("raise RuntimeError('nobody reads this')\n")
    told, _, loaded = look(published, "features=('last_purchase',)")
    assert told.startswith("shop ('last_purchase',) SQLiteOnlineStore(")
    assert loaded == "[]"


def test_what_is_wrong_with_the_definitions_is_told_as_ever(shop: Path) -> None:
    assert look(shop)[0].startswith("Invalid There is no online store. ")
    assert look(shop, "features=('x',)")[0].startswith("Invalid The profile 'dev' sets no online_store.")
    assert look(shop, "'nowhere.py'")[0].startswith("NotFound There is no file 'nowhere.py'.")
    (shop / "definitions.py").write_text("raise RuntimeError('oh')  # Definitions(\n")
    assert look(shop)[0].startswith("Invalid definitions does not import: RuntimeError: oh.")


def test_definitions_that_end_their_process_are_told_in_words(published: Path) -> None:
    with (published / "definitions.py").open("a", encoding="utf-8") as file:
        file.write("\nimport os\nos._exit(3)\n")
    told, _ = look(published)
    assert told.startswith("Invalid The definitions ended the process that read them. Where a library crashed")
