"""Percentiles of ranges: between order statistics that are found by a wavelet matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import polars as pl
from polars.datatypes import IntegerType

from mlforge_ranges.sequence import PLACE, Sequence

SHORT = 32
"""Values in a range of which the greatest, or the least, few are kept faster than all are sorted in a list."""
FEW = 5
"""How many are kept so."""
LISTED = 16
"""Values in a range that are sorted in a list faster than its order statistics are looked for, where many are."""
_ASKED = ("range", "n", "part", "other")
_CANCELLED = 2.0**-16
"""A sum of two terms that is less than this share of them has lost digits that count."""
_SMALL = 2.0**-960
"""A float below has neighbours so far away that its products have fewer digits than others."""


def percentiles(sequence: Sequence, low: pl.Series, high: pl.Series, q: float) -> pl.Series:
    """The value at `q (n - 1)` of each range's ordered values, between two of them in proportion; null of none."""
    share = Fraction(repr(float(q)))
    rows = pl.DataFrame({"low": low, "high": high}).with_row_index("range").filter(pl.col("low") < pl.col("high"))
    rows = rows.with_columns(_places((rows["high"] - rows["low"]).alias("n"), share))
    found = pl.concat(_order_statistics(sequence, rows))
    is_between = found["part"] > 0
    value = found["before"].scatter(is_between.arg_true(), _interpolated(found.filter(is_between), share))
    return pl.Series([None], dtype=pl.Float64).new_from_index(0, len(low)).scatter(found["range"], value)


def _order_statistics(sequence: Sequence, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The order statistic at each range's place, and the next where a percentile is on the way to it; any order."""
    sortable = _sortable(sequence.values)
    rows = rows.with_columns(_nearer_end())
    is_short = (rows["n"] <= (0 if sortable is None else SHORT)) & (rows["kept"] <= FEW)
    if sortable is not None:
        for (kept, top), some in rows.filter(is_short).partition_by("kept", "top", as_dict=True).items():
            yield _of_short(sortable, some, kept, top=top)
    rest = rows.filter(~is_short)
    is_listed = rest["n"] <= (LISTED if rest["n"].sum() > len(sequence) else rest["n"].max() or 0)
    yield _of_listed(sequence, rest.filter(is_listed))
    if not is_listed.all():
        yield _of_long(sequence, rest.filter(~is_listed))


def _of_listed(sequence: Sequence, rows: pl.DataFrame) -> pl.DataFrame:
    """Of ranges, by sorting the values of each: their numbers, behind that of the range."""
    places = rows.select(pl.int_ranges("low", "high", dtype=PLACE)).to_series().explode()
    owner = pl.int_range(len(rows), dtype=pl.UInt64, eager=True)
    owners = pl.DataFrame({"owner": owner}).select(pl.col("owner").repeat_by(rows["n"]).explode())
    keys = owners.select(pl.col("owner") * 2**32 + sequence.numbers.gather(places)).to_series().sort()
    at = rows["n"].cast(pl.UInt64).cum_sum() - rows["n"] + rows["place"]
    following = at + (rows["part"] > 0).cast(pl.UInt64)
    before, after = (sequence.named.gather(keys.gather(i) % 2**32).cast(pl.Float64) for i in (at, following))
    return rows.select(*_ASKED).with_columns(before.alias("before"), after.alias("after"))


def _of_long(sequence: Sequence, rows: pl.DataFrame) -> pl.DataFrame:
    """Of ranges, by looking for their order statistics alone."""
    is_between = rows["part"] > 0
    following = rows.filter(is_between).select("low", "high", pl.col("place") + 1)
    numbers = _looked_for(sequence, pl.concat([rows.select("low", "high", "place"), following]))
    found = sequence.named.cast(pl.Float64).gather(numbers)
    before, after = found.head(len(rows)), found.tail(len(following))
    return rows.select(*_ASKED).with_columns(
        before.alias("before"), before.scatter(is_between.arg_true(), after).alias("after")
    )


def _sortable(values: pl.Series) -> pl.Series | None:
    """The values, where the lesser and the greater of two are what they are called: numbers without NaN."""
    if values.dtype.is_float():
        return None if values.is_nan().any() else values + 0.0  # one zero
    return values if values.dtype.is_integer() else None


def _nearer_end() -> list[pl.Expr]:
    """How many of a range's values, its greatest (`top`) or its least, hold both that a percentile lies between."""
    greatest, least = pl.col("n") - pl.col("place"), pl.col("place") + 1 + (pl.col("part") > 0).cast(PLACE)
    return [pl.min_horizontal(greatest, least).alias("kept"), (greatest <= least).alias("top")]


def _of_short(values: pl.Series, rows: pl.DataFrame, kept: int, *, top: bool) -> pl.DataFrame:
    """Of ranges, by keeping the greatest so many of their values, or the least, while going through them in turn."""
    least, greatest = _ends(values.dtype)
    inner, outer, beyond = (
        (pl.min_horizontal, pl.max_horizontal, least) if top else (pl.max_horizontal, pl.min_horizontal, greatest)
    )
    beyond_all = pl.lit(beyond, dtype=values.dtype)
    names = [f"{i}" for i in range(kept)]
    taken = rows.with_columns(beyond_all.alias(name) for name in names)
    shortest, longest = int(rows["n"].min() or 0), int(rows["n"].max() or 0)  # type: ignore[arg-type]
    for i in range(longest):
        place = pl.col("low") + i
        value = pl.lit(values).gather(place if i < shortest else pl.when(pl.col("n") > i).then(place))
        value = value if i < shortest else value.fill_null(beyond_all)  # there are no nulls but those past an end
        taken = taken.with_columns(value.alias("value"))
        falls = [pl.col("value"), *(inner(name, "value") for name in names[:-1])]  # what each of those kept leaves
        taken = taken.with_columns(outer(name, fallen).alias(name) for name, fallen in zip(names, falls, strict=True))
    last, second = pl.col(names[-1]), pl.col(names[max(0, kept - 2)])
    following = pl.when(pl.col("part") > 0).then(second).otherwise(last)
    before, after = (last, following) if top else (following, last)
    return taken.select(*_ASKED, before.cast(pl.Float64).alias("before"), after.cast(pl.Float64).alias("after"))


def _ends(dtype: pl.DataType) -> tuple[float, float]:
    """What no value of a type of numbers is below, and above."""
    if not isinstance(dtype, IntegerType):
        return -math.inf, math.inf
    least, greatest = pl.select(least=dtype.min(), greatest=dtype.max()).row(0)
    return least, greatest


def _places(n: pl.Series, share: Fraction) -> list[pl.Series]:
    """Sizes, the place of the order statistic before `q (n - 1)`, the part of the way to the next, and the other."""
    sizes, step, whole = n.unique(), share.numerator, share.denominator
    split = [divmod((size - 1) * step, whole) for size in sizes.to_list()]
    found = [
        pl.Series("place", [place for place, _ in split], dtype=PLACE),
        pl.Series("part", [rest / whole for _, rest in split], dtype=pl.Float64),
        pl.Series("other", [(whole - rest) / whole for _, rest in split], dtype=pl.Float64),
    ]
    row = pl.zeros(max(sizes.to_list(), default=0) + 1, dtype=PLACE, eager=True)
    at = row.scatter(sizes, pl.int_range(0, len(sizes), dtype=PLACE, eager=True)).gather(n)
    return [n, *(column.gather(at) for column in found)]


def _looked_for(sequence: Sequence, asked: pl.DataFrame) -> pl.Series:
    """The number of the value at a place in the order of a range's values, for ranges and places.

    The sequence is sorted bit by bit from the highest on, for all ranges at once. At each bit a range becomes one of
    the zeros or one of the ones, whichever the place is in: how many ones are before its ends tells which, and where.
    """
    ordered = pl.DataFrame({"begins": sequence.begins, "number": sequence.by_value["number"]})
    least = ordered.select(pl.when("begins").then("number").forward_fill()).to_series()  # of each place's entity
    digits = sequence.numbers - least
    base = least.gather(asked["low"])
    asked = asked.with_columns(found=base)
    greatest = int(pl.DataFrame({"digit": digits}).select(pl.col("digit").max().fill_null(0)).item())
    for bit in reversed(range(greatest.bit_length())):
        is_one = digits >= 2**bit
        zeros, ones = digits.filter(~is_one), digits.filter(is_one) - 2**bit
        before = pl.concat([pl.Series([0], dtype=PLACE), is_one.cum_sum().cast(PLACE)])
        asked = _descended(asked, before, len(zeros), 2**bit)
        digits = pl.concat([zeros, ones])
    return asked["found"]


def _descended(asked: pl.DataFrame, before: pl.Series, zeros: int, worth: int) -> pl.DataFrame:
    ones_low, ones_high = before.gather(asked["low"]), before.gather(asked["high"])
    beside = asked.with_columns(low1=ones_low, high1=ones_high).lazy()
    zeros_inside = (pl.col("high") - pl.col("low")) - (pl.col("high1") - pl.col("low1"))
    beside = beside.with_columns(inside=zeros_inside).with_columns(is_one=pl.col("place") >= pl.col("inside"))
    is_one = pl.when("is_one")
    return beside.select(
        is_one.then(pl.col("low1") + zeros).otherwise(pl.col("low") - pl.col("low1")).cast(PLACE).alias("low"),
        is_one.then(pl.col("high1") + zeros).otherwise(pl.col("high") - pl.col("high1")).cast(PLACE).alias("high"),
        is_one.then(pl.col("place") - pl.col("inside")).otherwise("place").cast(PLACE).alias("place"),
        is_one.then(pl.col("found") + worth).otherwise("found").cast(PLACE).alias("found"),
    ).collect()


def _interpolated(ends: pl.DataFrame, share: Fraction) -> pl.Series:
    """Numbers between `a` and `b`: by floats, and by fractions where those would lose digits."""
    a, b, part, other = (pl.col(name) for name in ("a", "b", "part", "other"))
    ends = ends.rename({"before": "a", "after": "b"})
    near, far = a * other, b * part
    one_sign = pl.when(a >= 0).then(a + (b - a) * part).otherwise(b - (b - a) * other)  # each a sum of one sign
    value = pl.when((a < 0) & (b > 0)).then(near + far).otherwise(one_sign)
    cancelled = (a < 0) & (b > 0) & (part != 0.5) & ((near + far).abs() < near.abs() * _CANCELLED)
    small = (a != b) & (pl.max_horizontal(a.abs(), b.abs()) * part < _SMALL) | (value.abs() < _SMALL) & (value != 0)
    finite = a.is_finite() & b.is_finite()
    beside = pl.when(a.is_finite()).then(b).otherwise(pl.when(b.is_finite()).then(a).otherwise(float("nan")))
    rows = ends.with_columns(
        value=pl.when(a == b).then(a).when(finite).then(value).otherwise(beside),
        exact=finite & (a != b) & (cancelled | small),
    )
    lost = rows.filter("exact").select("a", "b", "n")
    different = lost.unique()
    exact = pl.Series([_exact(a, b, n, share) for a, b, n in different.iter_rows()], dtype=pl.Float64)
    settled = lost.join(different.with_columns(value=exact), on=["a", "b", "n"], how="left", maintain_order="left")
    return rows["value"].scatter(rows["exact"].arg_true(), settled["value"])


def _exact(a: float, b: float, n: int, share: Fraction) -> float:
    return float(Fraction(a) + (Fraction(b) - Fraction(a)) * (share * (n - 1) % 1))
