"""Ctrl-C while DuckDB computes leaves by a KeyboardInterrupt, wherever it is pressed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge_duckdb.interrupts import heeds_interrupts

PROGRAM = """
import os, signal, threading

from mlforge.model.source import CSVFormat
from mlforge.plugin.engine.frames import Scan
from mlforge_duckdb.plugin import DuckDBEngine

LONG = "SELECT CAST(sum(hash(i + length(k)) % 7) AS BIGINT) AS s FROM df, range(150_000_000) t(i)"

def at_once(df: "duckdb.DuckDBPyRelation"):
    df.query("df", LONG).fetchall()
    return df

def late(df: "duckdb.DuckDBPyRelation"):
    return df.query("df", LONG)

open("a.csv", "w").write("k\\nx\\n")
with DuckDBEngine().open() as engine:
    frame = engine.scan(Scan("a", ("a.csv",), CSVFormat()))
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        for _ in engine.rows(engine.apply({function}, frame)):
            print("rows")
    except BaseException as error:
        print(type(error).__name__)
"""


@pytest.mark.posix
@pytest.mark.parametrize("function", ["at_once", "late"])
def test_ctrl_c_is_a_keyboard_interrupt(tmp_path: Path, function: str) -> None:
    program = [sys.executable, "-c", PROGRAM.replace("{function}", function)]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "KeyboardInterrupt\n", done


def test_what_is_no_interrupt_stays_what_it_is() -> None:
    @heeds_interrupts
    class Odd:
        def at_once(self) -> None:
            raise RuntimeError("Query planned")

        def stepwise(self) -> Iterator[int]:
            yield 1
            raise RuntimeError("Query planned")

    with pytest.raises(RuntimeError, match="planned"):
        Odd().at_once()
    with pytest.raises(RuntimeError, match="planned"):
        list(Odd().stepwise())
