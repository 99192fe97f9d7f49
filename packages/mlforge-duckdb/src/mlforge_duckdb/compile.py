"""mlforge's typed expressions as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mlforge.model.check import Check
from mlforge.model.schema import is_float
from mlforge.plugin.engine.checks import violations
from mlforge.plugin.engine.expressions import (
    ARITHMETIC,
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
from mlforge.plugin.engine.patterns import written
from mlforge.plugin.engine.types import Words, digits
from mlforge_duckdb.scalars import cast, extreme, in_case, part_of, strip
from mlforge_duckdb.types import Type, plainly, quoted, sql_of, text, word

_IN_RE2 = {r"\Z": r"\z"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def words_of(types: Mapping[str, Type]) -> Words[Type]:
    """The columns of a relation in mlforge's words."""
    return Words(types, word)


def compiled(node: Typed, types: Mapping[str, Type]) -> str:
    """A typed expression over the columns of `types`; over those of the kernel, which keeps all plainly, without."""
    match node:
        case Read(name):
            return plainly(name, types[name]) if types else quoted(name)
        case Constant():
            return _constant(node)
        case Cast(of, word):
            return cast(compiled(of, types), of.word, word)
        case Digits(arg):
            return _digits(compiled(arg, types), *digits(arg.word))
        case Scaled(arg, word):
            return _scaled(compiled(arg, types), word)
        case OneOf(arg):
            return _one_of(compiled(arg, types), node)
        case Found(arg, pattern):
            return f"regexp_matches({compiled(arg, types)}, {text(written(pattern, _IN_RE2))})"
        case Part(arg, part, zone):
            return part_of(compiled(arg, types), part, zone)
        case Operation(_, args):
            return _operated(node, [compiled(a, types) for a in args])


def _operated(node: Operation, computed: Sequence[str]) -> str:
    """An operation on computed arguments."""
    if node.word == "Int64" and node.op in (*ARITHMETIC, "mod"):
        return _whole(node.op, computed)
    if node.op == "sign":
        return _sign(computed[0], node.word)
    return _duplicated(node.args[0], *computed) if node.op == "duplicated" else _OPERATIONS[node.op](*computed)


def _scaled(whole: str, word: str) -> str:
    """A decimal without digits after the point with so many: no digit is added that could be one too many."""
    one = Decimal(1).scaleb(-digits(word)[1])
    return f"({whole} * CAST({text(f'{one:f}')} AS {sql_of(word)}))"


def _digits(decimal: str, precision: int, scale: int) -> str:
    """The digits of a decimal as an integer; by way of its text where a product would have too many."""
    if precision + scale < 38:
        return f"CAST({decimal} * CAST({10**scale} AS DECIMAL({scale + 1}, 0)) AS HUGEINT)"
    return f"CAST(replace(CAST({decimal} AS VARCHAR), '.', '') AS HUGEINT)"


def _constant(node: Constant) -> str:
    value, sql = node.value, sql_of(node.word)
    match value:
        case None:
            return f"CAST(NULL AS {sql})"
        case bool():
            return str(value).lower()
        case int():
            return f"CAST({value} AS {sql})"
        case float():
            return f"CAST({text(repr(value))} AS {sql})"
        case str():
            return text(value)
        case bytes():
            return f"unhex({text(value.hex())})"
        case timedelta():
            return f"to_microseconds(CAST({value // timedelta(microseconds=1)} AS BIGINT))"
        case datetime():
            return f"make_timestamptz({(value - _EPOCH) // timedelta(microseconds=1)})"
        case _:
            return f"{sql} '{value.isoformat()}'"


def _one_of(arg: str, node: OneOf) -> str:
    """One comparison a constant; unknown where only a null could be it."""
    compared = [f"({arg} = {_constant(c)})" for c in node.constants]
    found = " OR ".join([*compared, *(["NULL"] if node.unknown else [])]) or "false"
    return f"CASE WHEN {arg} IS NULL THEN NULL ELSE ({found}) END"


def _whole(op: str, args: Sequence[str]) -> str:
    """Integers are computed in a type that cannot overflow, and must then fit into Int64."""
    return f"CAST({_OPERATIONS[op](*(f'CAST({a} AS HUGEINT)' for a in args))} AS BIGINT)"


def _sign(value: str, word: str) -> str:
    signed = f"CAST(sign({value}) AS {sql_of(word)})"
    return signed if word == "Int64" else f"CASE WHEN isnan({value}) THEN {value} ELSE {signed} END"


def _duplicated(arg: Typed, column: str) -> str:
    value = f"{column} + 0.0::DOUBLE" if is_float(arg.word) else column
    return f"({column} IS NOT NULL AND count(*) OVER (PARTITION BY {value}) > 1)"


def _connected(word: str) -> Callable[..., str]:
    return lambda *args: f"({f' {word} '.join(args)})"


_OPERATIONS: dict[str, Callable[..., str]] = {
    "eq": _connected("="),
    "ne": _connected("<>"),
    "lt": _connected("<"),
    "le": _connected("<="),
    "gt": _connected(">"),
    "ge": _connected(">="),
    "add": _connected("+"),
    "sub": _connected("-"),
    "mul": _connected("*"),
    "neg": lambda a: f"({a} * -1)",
    "abs": lambda a: f"abs({a})",
    "div": lambda a, b: f"CASE WHEN {b} <> 0 THEN {a} / {b} END",
    "not": lambda a: f"(NOT {a})",
    "and": _connected("AND"),
    "or": _connected("OR"),
    "coalesce": lambda *args: f"coalesce({', '.join(args)})",
    "if": lambda condition, a, b: f"CASE WHEN {condition} THEN {a} ELSE {b} END",
    "is_null": lambda a: f"({a} IS NULL)",
    "is_nan": lambda a: f"isnan({a})",
    "length": lambda a: f"CAST(length({a}) AS BIGINT)",
    "mod": lambda a, b: f"({a} % nullif({b}, 0))",
    "log": lambda a: f"ln({a})",
    "exp": lambda a: f"exp({a})",
    "sqrt": lambda a: f"sqrt({a})",
    "pow": lambda a, b: f"pow({a}, {b})",
    "floor": lambda a: f"floor({a})",
    "round": lambda a: f"round({a})",
    "least": extreme("least"),
    "greatest": extreme("greatest"),
    "contains": lambda a, b: f"contains({a}, {b})",
    "starts_with": lambda a, b: f"starts_with({a}, {b})",
    "ends_with": lambda a, b: f"ends_with({a}, {b})",
    "lower": in_case("lower"),
    "upper": in_case("upper"),
    "strip": strip,
}


def compile_checks(checks: Sequence[Check], types: Mapping[str, Type]) -> list[str]:
    """For each check, whether a row breaks it."""
    return [f"coalesce({compiled(v, types)}, false)" for v in violations(checks, words_of(types))]
