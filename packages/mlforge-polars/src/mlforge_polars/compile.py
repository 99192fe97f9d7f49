"""mlforge's typed expressions as Polars expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import and_, mul, or_, sub

import polars as pl

from mlforge.model.check import Check
from mlforge.model.schema import is_integer
from mlforge.plugin.engine.checks import violations
from mlforge.plugin.engine.evaluation import value_of
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
from mlforge.plugin.engine.letters import LOWER, UPPER
from mlforge.plugin.engine.patterns import written
from mlforge.plugin.engine.types import Words, digits
from mlforge_csv import dtype_of
from mlforge_polars.scalars import cast, extreme, in_case, part_of, remainder, strip
from mlforge_polars.types import plainly, word

_IN_RUST = {r"\Z": r"\z", r"\b": r"(?-u:\b)"}
_SMALL = ("Boolean", "Int8", "Int16", "Int32", "UInt8", "UInt16")
_INT32 = range(-(2**31), 2**31)


def words_of(schema: Mapping[str, pl.DataType]) -> Words[pl.DataType]:
    """The columns of a frame in mlforge's words."""
    return Words(schema, word)


def compiled(node: Typed, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A typed expression over the columns of `schema`."""
    node = _folded(node)
    match node:
        case Read(name):
            return plainly(name, schema[name])
        case Constant(value, word):
            return pl.lit(value, dtype=dtype_of(word))
        case Cast(of, word):
            return cast(compiled(of, schema), of.word, word)
        case Digits(arg):
            return compiled(arg, schema).to_physical()
        case Scaled(arg, word):
            return _scaled(compiled(arg, schema), digits(word)[1])
        case OneOf(arg):
            return _one_of(compiled(arg, schema), node)
        case Found(arg, pattern):
            return compiled(arg, schema).str.contains(written(pattern, _IN_RUST))
        case Part(arg, part, zone):
            return part_of(compiled(arg, schema), part, zone)
        case Operation():
            return _operation(node, schema)


def _operation(node: Operation, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    op, args = node.op, node.args
    if op in COMPARISONS:
        return _compared(op, args[0], args[1], schema)
    if op in ("least", "greatest"):
        args = tuple(_constants_last(args))
    computed = [compiled(a, schema) for a in args]
    if node.word == "Int64" and op in (*ARITHMETIC, "mod"):
        return _whole(node, computed)
    made = _OPERATIONS[op](*computed)
    return made.cast(pl.Int64) if op == "sign" and node.word == "Int64" else made


def _compared(op: str, left: Typed, right: Typed, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A constant stands on the right: on the left Polars may take it for all there is of a longer column."""
    if isinstance(_folded(left), Constant):
        op, left, right = _MIRRORED[op], right, left
    return _COMPARED[op](_beside(left, schema), _beside(right, schema))


def _folded(node: Typed) -> Typed:
    """The node without what no column decides: a constant where it depends on none, a choice where it is known."""
    match node:
        case Constant() | Read() | Digits() | Scaled() | Operation("duplicated"):
            return node
        case Operation("if", (condition, then, otherwise)) if isinstance(known := _folded(condition), Constant):
            return _folded(then if known.value is True else otherwise)
        case Operation("coalesce", (first, _, *_)) if isinstance(known := _folded(first), Constant):
            return known if known.value is not None else _folded(Operation("coalesce", node.args[1:], node.word))
        case Operation(op, args):
            folded = tuple(map(_folded, args))
            return _computed(Operation(op, folded, node.word), folded)
        case Cast(of, word):
            return _computed(Cast(arg := _folded(of), word), [arg])
        case OneOf(of, constants, unknown):
            return _computed(OneOf(arg := _folded(of), constants, unknown), [arg])
        case Found(of, pattern):
            return _computed(Found(arg := _folded(of), pattern), [arg])
        case Part(of, part, zone):
            return _computed(Part(arg := _folded(of), part, zone), [arg])


def _computed(node: Typed, args: Sequence[Typed]) -> Typed:
    """The node; its value, where all its arguments are constants."""
    if all(isinstance(a, Constant) for a in args):
        return Constant(value_of(node)({}, None), node.word)
    return node


def _constants_last(args: Sequence[Typed]) -> list[Typed]:
    return sorted(args, key=lambda a: isinstance(_folded(a), Constant))


def _scaled(whole: pl.Expr, scale: int) -> pl.Expr:
    """A decimal without digits after the point with so many: no digit is added that could be one too many."""
    return whole * pl.lit(Decimal(1).scaleb(-scale), dtype=pl.Decimal(38, scale))


def _beside(node: Typed, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """A side of a comparison: an integer takes the width of the other, whose column is not widened for it."""
    node = _folded(node)
    if isinstance(node, Constant) and node.value is not None and is_integer(node.word):
        return pl.lit(node.value)
    return compiled(node, schema)


def _one_of(arg: pl.Expr, node: OneOf) -> pl.Expr:
    """A lookup among integers and texts, else one comparison a constant."""
    if node.arg.word == "String" or is_integer(node.arg.word):
        found = arg.is_in([c.value for c in node.constants])
    else:
        found = reduce(or_, (arg == compiled(c, {}) for c in node.constants), pl.lit(value=False))
    unknown = arg.is_null() | pl.lit(value=node.unknown)
    return pl.when(found).then(statement=True).when(unknown).then(None).otherwise(statement=False)


def _whole(node: Operation, args: Sequence[pl.Expr]) -> pl.Expr:
    """Integers are computed in a type that cannot overflow, and must then fit into Int64."""
    compute = _OPERATIONS[node.op]
    if all(map(_is_small, node.args)):
        return compute(*(a.cast(pl.Int64) for a in args))
    return compute(*(a.cast(pl.Int128) for a in args)).cast(pl.Int64)


def _is_small(node: Typed) -> bool:
    if isinstance(node, Constant) and isinstance(node.value, int):  # a range is searched from end to end for a null
        return node.value in _INT32
    return node.word in _SMALL


_COMPARED: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "eq": pl.Expr.eq,
    "ne": pl.Expr.ne,
    "lt": pl.Expr.lt,
    "le": pl.Expr.le,
    "gt": pl.Expr.gt,
    "ge": pl.Expr.ge,
}
_MIRRORED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_OPERATIONS: dict[str, Callable[..., pl.Expr]] = {
    "add": pl.Expr.add,
    "sub": sub,
    "mul": mul,
    "neg": lambda a: 0 - a,
    "abs": pl.Expr.abs,
    "div": lambda a, b: pl.when(b != 0).then(a / b),
    "not": pl.Expr.not_,
    "and": lambda *args: reduce(and_, args),
    "or": lambda *args: reduce(or_, args),
    "coalesce": pl.coalesce,
    "if": lambda condition, a, b: pl.when(condition).then(a).otherwise(b),
    "is_null": pl.Expr.is_null,
    "is_nan": pl.Expr.is_nan,
    "length": lambda a: a.str.len_chars().cast(pl.Int64),
    "mod": remainder,
    "log": pl.Expr.log,
    "exp": pl.Expr.exp,
    "sqrt": pl.Expr.sqrt,
    "pow": pl.Expr.pow,
    "floor": pl.Expr.floor,
    "round": lambda a: a.round(0, mode="half_away_from_zero"),
    "sign": pl.Expr.sign,
    "least": extreme(pl.Expr.le),
    "greatest": extreme(pl.Expr.ge),
    "contains": lambda a, b: a.str.contains(b, literal=True),
    "starts_with": lambda a, b: a.str.starts_with(b),
    "ends_with": lambda a, b: a.str.ends_with(b),
    "lower": in_case(LOWER),
    "upper": in_case(UPPER),
    "strip": strip,
    "duplicated": lambda a: a.is_duplicated() & a.is_not_null(),
}


def compile_checks(checks: Sequence[Check], schema: Mapping[str, pl.DataType], examples: int) -> list[pl.Expr]:
    """For each check, how many rows break it, as `n{i}`, and a list of the first few values that do, as `e{i}`."""
    exprs = []
    for i, (check, violation) in enumerate(zip(checks, violations(checks, words_of(schema)), strict=True)):
        broken = compiled(violation, schema).fill_null(value=False)
        values = plainly(check.column, schema[check.column])
        always = isinstance(_folded(violation), Constant)  # one value, for all rows there are
        count = values.filter(broken).len() if always else broken.sum()
        exprs += [count.alias(f"n{i}"), values.filter(broken).head(examples).implode().alias(f"e{i}")]
    return exprs
