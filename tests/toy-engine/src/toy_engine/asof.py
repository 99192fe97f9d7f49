"""The point-in-time join: one search among the sorted rows of a feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine.columns import need_columns, refuse_twins
from mlforge.plugin.engine.keys import check_joined, made_of_spine
from mlforge.plugin.engine.rows import need_label
from toy_engine.files import read_version
from toy_engine.order import Numbers, identities
from toy_engine.rows import with_surrogates
from toy_engine.times import in_range, instants
from toy_engine.types import plainly, words_of

NEVER = -(2**63)


def joined(spine: pa.Table, timestamp: Timestamp | None, joins: Sequence[Join]) -> pa.Table:
    """The spine, and beside each row what every feature knew then."""
    refuse_twins(spine.column_names, joins)
    labels = None
    if timestamp is None:
        need_label(joins)
    else:
        need_columns([timestamp.column], spine.column_names, "The spine")
        in_range(timestamp.column, spine[timestamp.column])
        labels = instants(spine[timestamp.column], timestamp).cast(pa.int64()).fill_null(NEVER).to_numpy()
    words = {n: None if pa.types.is_null(spine[n].type) else w for n, w in words_of(spine.schema).items()}
    made = made_of_spine(words, joins)
    keyed, answer = with_surrogates(spine, made), spine
    for join in joins:
        meta = join.artifact.meta
        feature = read_version(join.artifact)
        theirs = {n: w for n, w in words_of(feature.schema).items() if n in meta.entity_keys}
        check_joined(meta, words, [k.name for k in made], theirs, 'table["{}"].cast("{}")'.format)
        found = matches(keyed, labels, feature, join)
        for column, name in join.columns.items():
            answer = answer.append_column(name, plainly(feature[column]).take(found))
    return answer


def matches(spine: pa.Table, labels: Numbers | None, feature: pa.Table, join: Join) -> pa.Array:
    """For each row of the spine the number of its feature row, or null."""
    meta = join.artifact.meta
    ours, theirs = identities([spine, feature], meta.entity_keys)
    if meta.timestamp is None or labels is None:
        stamps, wanted = np.zeros(len(theirs), np.int64), np.zeros(len(ours), np.int64)
    else:
        stamps, wanted = plainly(feature[meta.timestamp]).cast(pa.int64()).to_numpy(), labels
    order = np.lexsort((stamps, theirs))
    instants_, width = np.unique(stamps), len(stamps) + 1
    points = theirs[order] * width + np.searchsorted(instants_, stamps[order], "right")
    at = np.searchsorted(points, ours * width + np.searchsorted(instants_, wanted, "right"), "right") - 1
    row = order[at] if len(order) else np.zeros(len(at), np.int64)
    known = (at >= 0) & (ours >= 0)
    known[known] = theirs[row[known]] == ours[known]
    if join.max_age is not None and meta.timestamp is not None:
        known[known] = wanted[known] - stamps[row[known]] <= join.max_age
    return pa.array(row, mask=~known)
