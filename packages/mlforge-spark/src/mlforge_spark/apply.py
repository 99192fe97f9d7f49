"""A feature's function, which must ask for a Spark frame by its first annotation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException, PySparkException

from mlforge.errors import MlforgeError
from mlforge.plugin.engine.columns import refuse_doubles
from mlforge.plugin.functions import asked, name_of, no_frame, raised
from mlforge_spark.edge import java_ended
from mlforge_spark.session import frame_types
from mlforge_spark.types import refuse_stream

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_HINT = "The Spark engine hands out pyspark.sql.DataFrame (also where nothing is annotated)."
_RETURN = "Return a pyspark.sql.DataFrame, which pandas on Spark gives by .to_spark()."


def call(function: Callable[..., Any], frame: DataFrame) -> Any:
    """What a function makes of a frame. Raises `Invalid` for what it raises, or where the result is no frame."""
    kinds = frame_types()
    asked(function, dict.fromkeys(kinds, True), ("pyspark", "sql", "ps"), default=True, hint=_HINT)
    try:
        result = function(frame)
        if isinstance(result, kinds):
            getattr(result, "schema")  # noqa: B009 - Connect tells here what is wrong with it
            refuse_stream(result, f"What {name_of(function)} returned")
    except MlforgeError:
        raise
    except (Exception, PySparkException) as error:
        if ended := java_ended(f"{name_of(function)} cannot be called", error):
            raise ended from error
        raise raised(function, error, _unknown(error, frame.columns)) from error
    if not isinstance(result, kinds):
        raise no_frame(function, result, "a Spark frame", _RETURN)
    made: Any = result
    refuse_doubles(made.columns, "The function's result", "Rename one of them in the function, or leave it out.")
    return made


def _unknown(error: BaseException, columns: Sequence[str]) -> Sequence[str] | None:
    """The source's columns, where a function asked for one that is not there."""
    return columns if isinstance(error, AnalysisException) and "UNRESOLVED_COLUMN" in str(error) else None
