"""Writing Parquet: one file where the rows are one partition, else a folder of parts in their order."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from pyspark.sql import functions as F

from mlforge.errors import Unsupported
from mlforge.model.meta import Target, Written
from mlforge_spark import direct
from mlforge_spark.buckets import is_in_bucket
from mlforge_spark.session import set_to
from mlforge_spark.sources import address
from mlforge_spark.types import column, duration_micros, plain, words_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_SETTINGS = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.writeLegacyFormat": "false",
}
_TIMED = {"spark.sql.timeType.enabled": "true"}
"""What Spark 4 asks for before it stores times of day."""

_TABLE = "table://"


def write(frame: DataFrame, target: Target) -> Written:
    """Write all rows where the target says."""
    if target.uri.startswith(_TABLE):
        return Written(_write_table(frame, target))
    timed = _TIMED if any("Time" in w and "Datetime" not in w for w in words_of(frame).values()) else {}
    with set_to(frame.sparkSession, _SETTINGS | timed):
        if is_in_bucket(target.uri):
            return direct.write(stored(frame), target)
        return Written(_write_here(stored(frame), Path(target.uri.removeprefix("file://"))))


def _write_here(frame: DataFrame, place: Path) -> int:
    parts = place.with_name(f"_{place.name}.parts")
    frame.write.mode("overwrite").option("compression", "zstd").parquet(address(parts, frame.sparkSession))
    files = sorted((path for path in parts.iterdir() if path.name.endswith(".parquet")), key=_in_order)
    rows = sum(int(pq.read_metadata(path).num_rows) for path in files)
    _moved(files, place)
    shutil.rmtree(parts)
    return rows


def _in_order(path: Path) -> list[str | int]:
    """What parts are sorted by: the numbers in their names, which differ in nothing else, are numbers."""
    return [int(word) if word.isdecimal() else word for word in re.split(r"(\d+)", path.name)]


def is_there(target: Target) -> bool:
    """Whether what was written to a target is still there, as far as this machine can tell."""
    return (
        target.uri.startswith(_TABLE) or is_in_bucket(target.uri) or Path(target.uri.removeprefix("file://")).exists()
    )


def _moved(files: list[Path], place: Path) -> None:
    """Parts without rows are left out, unless there is nothing else."""
    full = [path for path in files if pq.read_metadata(path).num_rows] or files[:1]
    if len(full) == 1:
        full[0].replace(place)
        return
    place.mkdir()
    for number, path in enumerate(full):
        path.replace(place / f"part-{number:05d}.parquet")


def _write_table(frame: DataFrame, target: Target) -> int:
    name = ".".join(f"`{part}`" for part in target.uri.removeprefix(_TABLE).split("."))
    stored(frame).write.format(target.format).mode("overwrite").saveAsTable(name)
    return int(frame.sparkSession.table(name).count())


def stored(frame: DataFrame) -> DataFrame:
    """The frame as it is stored: a length of time as its microseconds, a time of day as Parquet's own."""
    words, fields = words_of(frame), frame.schema
    return frame.select(
        *(_stored(plain(column(n), fields[n].dataType), w).alias(n, metadata={}) for n, w in words.items())
    )


def _stored(value: Column, word: str) -> Column:
    if word == "Duration":
        return duration_micros(value)
    if word == "Time":
        if not hasattr(F, "time_from_micros"):
            raise Unsupported("Spark before 4.1 stores no times of day.", hint="Make it text or microseconds.")
        return F.time_from_micros(value)
    if word.startswith("List") and ("Duration" in word or "Time)" in word):
        return F.transform(value, lambda element: _stored(element, word[5:-1]))
    return value
