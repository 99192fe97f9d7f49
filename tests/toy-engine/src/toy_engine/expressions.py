"""What a typed expression is worth in the rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlforge.errors import Invalid
from mlforge.model.schema import is_integer
from mlforge.plugin.engine.expressions import (
    ARITHMETIC,
    COMPARISONS,
    Cast,
    Constant,
    Digits,
    Found,
    OneOf,
    Operation,
    Part,
    Read,
    Scaled,
    Typed,
)
from mlforge.plugin.engine.letters import BLANK, LOWER, UPPER
from mlforge.plugin.engine.patterns import written
from toy_engine import scalars
from toy_engine.order import canonical, ranks
from toy_engine.types import dtype_of, plainly


def evaluate(node: Typed, table: pa.Table) -> pa.Array:
    """The value of an expression in each row."""
    match node:
        case Read(name):
            return plainly(table[name])
        case Constant(value, word):
            return pa.repeat(pa.scalar(value, dtype_of(word)), table.num_rows)
        case Cast(of, word):
            return scalars.cast(evaluate(of, table), of.word, word)
        case Digits(arg, word) | Scaled(arg, word):
            return with_scale(evaluate(arg, table), dtype_of(word))
        case OneOf(arg):
            return _one_of(evaluate(arg, table), node)
        case Found(arg, pattern):
            return pc.match_substring_regex(evaluate(arg, table), written(pattern, {r"\Z": r"\z"}))
        case Part(arg, part, zone):
            return scalars.part_of(evaluate(arg, table), part, zone)
        case Operation(_, args):
            return _operation(node, [evaluate(a, table) for a in args])


def _operation(node: Operation, computed: list[pa.Array]) -> pa.Array:
    op = node.op
    if op in COMPARISONS:
        return _compared(op, *computed)
    if op in ARITHMETIC and node.word == "Int64":
        return _whole(op, computed)
    if op in ("least", "greatest"):
        return reduce(lambda a, b: _extreme(op, a, b), computed)
    made = OPERATIONS[op](*computed)
    return made.cast(dtype_of(node.word)) if op == "sign" else made


def with_scale(decimals: pa.Array, dtype: pa.DataType) -> pa.Array:
    """Decimals with their point elsewhere."""
    return pa.Array.from_buffers(dtype, len(decimals), decimals.buffers(), offset=decimals.offset)


def _compared(op: str, a: pa.Array, b: pa.Array) -> pa.Array:
    if op == "ne":
        return pc.invert(_equal(a, b))
    if op == "eq":
        return _equal(a, b)
    left, right = (a, b) if op in ("lt", "ge") else (b, a)
    less = _less(left, right)
    return pc.invert(less) if op in ("le", "ge") else less


def _equal(a: pa.Array, b: pa.Array) -> pa.Array:
    if pa.types.is_floating(a.type):
        return pc.or_(pc.equal(a, b), pc.and_(pc.is_nan(a), pc.is_nan(b)))
    if pa.types.is_nested(a.type):
        pairs = zip(a.to_pylist(), b.to_pylist(), strict=True)
        return pa.array([None if x is None or y is None else x == y for x, y in pairs], pa.bool_())
    return pc.equal(*_alike(a, b))


def _less(a: pa.Array, b: pa.Array) -> pa.Array:
    """NaN is greater than every other number."""
    if pa.types.is_floating(a.type):
        return pc.or_(pc.less(a, b), pc.and_(pc.invert(pc.is_nan(a)), pc.and_(pc.is_nan(b), pc.is_valid(a))))
    return pc.less(*_alike(a, b))


def _alike(a: pa.Array, b: pa.Array) -> tuple[pa.Array, pa.Array]:
    if pa.types.is_boolean(a.type):
        return a.cast(pa.int8()), b.cast(pa.int8())
    if a.type != b.type and pa.types.is_integer(a.type):
        return a.cast(pa.decimal128(20)), b.cast(pa.decimal128(20))
    return a, b


def _one_of(arg: pa.Array, node: OneOf) -> pa.Array:
    constants = [c.value for c in node.constants]
    if is_integer(node.arg.word):
        limits = np.iinfo(arg.type.to_pandas_dtype())
        constants = [c for c in constants if limits.min <= c <= limits.max]
    found = pc.is_in(canonical(arg), canonical(pa.array(constants, arg.type)))
    known = pc.and_(pc.is_valid(arg), pa.scalar(not node.unknown))
    return pc.if_else(pc.and_(found, pc.is_valid(arg)), True, pc.if_else(known, False, pa.scalar(None, pa.bool_())))


def _whole(op: str, args: list[pa.Array]) -> pa.Array:
    """Integers of any width, which are computed as Python's own where 64 bits may not hold them on the way."""
    if all(a.type != pa.uint64() for a in args):
        return CHECKED[op](*(a.cast(pa.int64()) for a in args))
    rows = zip(*(a.to_pylist() for a in args), strict=True)
    values = [None if None in row else PYTHON[op](*row) for row in rows]
    if bad := next((v for v in values if v is not None and not -(2**63) <= v < 2**63), None):
        raise Invalid(f"int64 overflow: {bad} does not fit 64 bits.", hint="Compute with floats: multiply by 1.0.")
    return pa.array(values, pa.int64())


def _extreme(op: str, a: pa.Array, b: pa.Array) -> pa.Array:
    """Null where one of them is."""
    return pc.if_else(_compared("le" if op == "least" else "ge", a, b), a, b)


def _quotient(a: pa.Array, b: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(b, 0.0), pa.scalar(None, pa.float64()), pc.divide(a, b))


def _duplicated(array: pa.Array) -> pa.Array:
    places, different = ranks(array)
    times = np.bincount(places[places >= 0], minlength=len(different) + 1)
    return pa.array((times[places] > 1) & (places >= 0))


CHECKED: dict[str, Callable[..., pa.Array]] = {
    "add": pc.add_checked,
    "sub": pc.subtract_checked,
    "mul": pc.multiply_checked,
    "neg": pc.negate_checked,
    "abs": pc.abs_checked,
}
PYTHON: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
}
OPERATIONS: dict[str, Callable[..., pa.Array]] = {
    "add": pc.add,
    "sub": pc.subtract,
    "mul": pc.multiply,
    "neg": pc.negate,
    "abs": pc.abs,
    "div": _quotient,
    "not": pc.invert,
    "and": lambda *args: reduce(pc.and_kleene, args),
    "or": lambda *args: reduce(pc.or_kleene, args),
    "coalesce": pc.coalesce,
    "if": lambda condition, a, b: pc.if_else(condition.fill_null(False), a, b),
    "is_null": pc.is_null,
    "is_nan": pc.is_nan,
    "length": lambda a: pc.utf8_length(a).cast(pa.int64()),
    "duplicated": _duplicated,
    "mod": scalars.remainder,
    "log": pc.ln,
    "exp": pc.exp,
    "sqrt": pc.sqrt,
    "pow": pc.power,
    "floor": pc.floor,
    "round": lambda a: pc.round(a, round_mode="half_towards_infinity"),
    "sign": pc.sign,
    "contains": scalars.each(lambda text, part: part in text),
    "starts_with": scalars.each(str.startswith),
    "ends_with": scalars.each(str.endswith),
    "lower": scalars.in_case(LOWER),
    "upper": scalars.in_case(UPPER),
    "strip": lambda a: pc.utf8_trim(a, BLANK),
}
