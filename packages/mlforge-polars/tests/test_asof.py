"""Point-in-time joins against a naive oracle."""

import os
from datetime import date, datetime

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlforge_polars import asof as kernel
from mlforge_polars.asof import Join, asof

DAY = 86_400_000_000
UTC = pl.Datetime("us", "UTC")
EXAMPLES = int(os.environ.get("EXAMPLES", "200"))


def micros(column):
    return column.to_physical().to_list()


def oracle(spine, instants, features, join):
    """The list of values of each output column, one spine row at a time."""
    rows = features.select(*join.keys, *join.columns).rows(named=True)
    stamps = micros(features[join.stamp]) if join.stamp else [None] * features.height
    out = {name: [] for name in join.columns.values()}
    for i, s in enumerate(micros(instants)):
        key = [spine[k][i] for k in join.keys]
        best = None
        for row, stamp in zip(rows, stamps, strict=True):
            if None in key or [row[k] for k in join.keys] != key:
                continue
            if join.stamp is None:
                best = (0, row)
            elif s is not None and stamp <= s and (best is None or stamp > best[0]):
                best = (stamp, row)
        if best is not None and join.stamp and join.max_age is not None and s - best[0] > join.max_age:
            best = None
        for column, name in join.columns.items():
            out[name].append(None if best is None else best[1][column])
    return out


def check(spine, instants, features_and_joins):
    got = asof(spine, instants, [join for _, join in features_and_joins])
    assert got.columns == [name for _, join in features_and_joins for name in join.columns.values()]
    for features, join in features_and_joins:
        for name, values in oracle(spine, instants, features, join).items():
            assert got[name].to_list() == values, (name, join)
    assert got.height == spine.height


KINDS = {
    "int": ([pl.Int8, pl.Int16, pl.Int64, pl.Int32], st.integers(-3, 3)),
    "unsigned": ([pl.UInt8, pl.UInt64, pl.Int64, pl.UInt32], st.integers(0, 4)),
    "far": ([pl.Int64], st.sampled_from([-(2**63), 2**63 - 1, 0, 1])),
    "wide": ([pl.UInt64], st.sampled_from([0, 2**64 - 1, 2**63])),
    "text": ([pl.String, pl.Categorical], st.sampled_from(["", "b", "a", "日", "é"])),
    "yes": ([pl.Boolean], st.booleans()),
    "day": ([pl.Date], st.dates(date(1969, 12, 30), date(1970, 1, 2))),
    "moment": (
        [pl.Datetime("us"), pl.Datetime("ms")],
        st.sampled_from([datetime(1969, 1, 1), datetime(2020, 1, 1), datetime(2020, 1, 1, 1)]),
    ),
    "blob": ([pl.Binary], st.sampled_from([b"", b"\0", b"\xff"])),
}


def whole_row(row):
    return row


def key_of(row):
    return row[:-1]


@st.composite
def cases(draw):
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=2, unique=True))
    base, unit = (
        draw(st.sampled_from([0, -10 * DAY, 1_700_000_000_000_000, -(10**15) - 7])),
        draw(st.sampled_from([1, 1000, DAY])),
    )
    whole = st.integers(-4, 4).map(lambda n: base + n * unit)
    far = st.sampled_from([-(2**61), 2**61])
    loose = st.one_of(whole, st.builds(lambda t, d: t + d, whole, st.integers(-1, 1)), far, st.none())
    stamped = st.one_of(whole, far) if draw(st.integers(0, 9)) == 0 else whole
    height = draw(st.integers(0, 10))
    spine = {}
    for kind in kinds:
        dtypes, values = KINDS[kind]
        spine[kind] = pl.Series(
            kind,
            draw(st.lists(st.one_of(st.none(), values, values, values), min_size=height, max_size=height)),
            dtype=draw(st.sampled_from(dtypes)),
        )
    instants = pl.Series("s", draw(st.lists(loose, min_size=height, max_size=height)), dtype=pl.Int64).cast(UTC)
    pairs = []
    for j in range(draw(st.integers(1, 3))):
        keys = draw(st.permutations(kinds))[: draw(st.integers(1, len(kinds)))]
        stamp = draw(st.sampled_from(["t", "t", "t", None]))
        rows = draw(
            st.lists(
                st.tuples(*(KINDS[k][1] for k in keys), stamped), max_size=12, unique_by=whole_row if stamp else key_of
            )
        )
        features = (
            pl.DataFrame(
                [pl.Series(k, [r[i] for r in rows], dtype=spine[k].dtype) for i, k in enumerate(keys)]
                + [pl.Series("t", [r[-1] for r in rows], dtype=pl.Int64).cast(UTC)]
            )
            .with_row_index("n")
            .with_columns(x=pl.when(pl.col("n") % 3 > 0).then(pl.col("n") * 1.5))
        )
        features = features.sort(*keys, "t")
        age = draw(st.sampled_from([None, 0, 1, unit, 3 * unit]))
        pairs.append((features, Join(features.lazy(), keys, stamp, {"n": f"n{j}", "x": f"x{j}"}, age)))
    return pl.DataFrame(list(spine.values())), instants, pairs


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.booleans())
def test_generated_joins_agree_with_the_oracle(case, narrow):
    before = kernel.BYTES_AT_ONCE
    kernel.BYTES_AT_ONCE = 1 if narrow else before
    try:
        check(*case)
    finally:
        kernel.BYTES_AT_ONCE = before


def at(values):
    return pl.Series(values, dtype=pl.Int64).cast(UTC)


def joined(features, keys=("k",), columns=None, max_age=None):
    return Join(features.lazy(), list(keys), "t", columns or {"x": "x"}, max_age)


def test_many_far_apart_entities_are_cut_into_chunks():
    """Microseconds over 400 years leave room for 730 entities at once."""
    n = 2000
    features = pl.DataFrame(
        {
            "k": [i // 2 for i in range(2 * n)],
            "t": at([(-200 if i % 2 == 0 else 200) * 365 * DAY + i for i in range(2 * n)]),
            "x": range(2 * n),
        }
    )
    spine = pl.DataFrame({"k": [i * 7 % n for i in range(n)]})
    got = asof(spine, at([0] * n), [joined(features)])
    assert got["x"].to_list() == [k * 2 for k in spine["k"]]


def test_sparse_keys_do_not_cost_chunks():
    keys = [-(2**63), -1, 2**63 - 1]
    features = pl.DataFrame({"k": keys, "t": at([1, 2, 3]), "x": [1, 2, 3]})
    assert asof(pl.DataFrame({"k": keys}), at([9, 1, 3]), [joined(features)])["x"].to_list() == [1, None, 3]


def test_an_unsorted_file_called_sorted_is_noticed():
    features = pl.DataFrame({"k": ["b", "a", "b", "a"], "t": at([1, 2, 0, 1]), "x": [1, 2, 3, 4]})
    assert asof(pl.DataFrame({"k": ["a", "b"]}), at([2, 0]), [joined(features)])["x"].to_list() == [2, 3]


def test_no_joins_give_the_height_of_the_spine():
    assert asof(pl.DataFrame({"k": [1, 2]}), at([5, 6]), []).height == 2


def test_parquet_is_read_in_its_order(tmp_path):
    features = pl.DataFrame(
        {"k": [i // 10 for i in range(1000)], "t": at([i % 10 * 10 for i in range(1000)]), "x": range(1000)}
    )
    features.write_parquet(tmp_path / "f.parquet", row_group_size=37)
    spine = pl.DataFrame({"k": pl.Series([i * 37 % 100 for i in range(500)])})
    instants = at([i % 95 for i in range(500)])
    scanned = joined(features)._replace(features=pl.scan_parquet(tmp_path / "f.parquet"))
    check(spine, instants, [(features, scanned)])
