"""How many different values there are: exact or estimated, whichever the rows drawn suggest."""

import polars as pl
import pytest

from mlforge.model.quality import Measuring
from mlforge_polars.measuring import SKETCH_ERROR, measured

ROWS = 30_000


@pytest.mark.parametrize("sample", [3_000, 8_000, 15_000])
def test_few_values_are_counted_and_many_are_estimated_or_counted(sample):
    rows = pl.DataFrame({"few": [i % 9_000 for i in range(ROWS)], "many": range(ROWS), "user": range(ROWS)})
    found = measured(rows, Measuring(keys=("user",), sample=sample))
    few, many = found.column("few"), found.column("many")
    assert (few.distinct, few.distinct_error) == (9_000, 0.0)
    assert many.distinct_error == (SKETCH_ERROR if sample > 5_000 else 0.0)
    assert many.distinct == pytest.approx(ROWS, rel=5 * many.distinct_error)
    assert (found.entities, found.entities_error) == (many.distinct, many.distinct_error)


def test_all_rows_drawn_are_counted_once_and_exactly():
    found = measured(pl.DataFrame({"many": range(ROWS)}), Measuring())
    assert (found.column("many").distinct, found.column("many").distinct_error) == (ROWS, 0.0)
