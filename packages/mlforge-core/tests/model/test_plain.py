import math
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.model.expr import Lit, it
from mlforge.model.plain import expression, plain
from mlforge.model.terms import at, days


@pytest.mark.parametrize(
    "expr",
    [
        (at() - mlf.col("paid_at")) / days(1),
        mlf.col("a").is_in([1, 1.0, None, "a", b"\x00\xff", date(2024, 2, 29)]),
        Lit(datetime(2024, 2, 29, 12, tzinfo=UTC)).eq(datetime(2024, 2, 29)),
        mlf.coalesce(mlf.col("s").matches("^a"), it() > math.inf, Lit(-math.inf).eq(2**64 - 1)),
        mlf.col("t").hour("Europe/Zurich") + mlf.col("x").cast("Int8"),
        mlf.when(mlf.col("n") > 0).then(timedelta(days=-1, microseconds=1)).otherwise(None),
    ],
)
def test_an_expression_comes_back_from_json_with_its_constants_types(expr):
    found = expression(msgspec.json.decode(msgspec.json.encode(plain(expr))))
    assert repr(found) == repr(expr)


def test_an_expression_of_a_later_mlforge_is_refused():
    for data in ({"node": "new"}, {"node": "col", "name": "a", "fold": True}, {}):
        with pytest.raises(Invalid, match="no expression") as error:
            expression(data)
        assert error.value.hint == "Upgrade mlforge."
