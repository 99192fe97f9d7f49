"""Skewness and kurtosis from power sums that are exact: nothing is lost where terms cancel, and 0 is 0.

Neither changes when all values are multiplied by a number, so values count in units of their lowest bit. Powers of
their limbs are added up as decimals of 38 digits, and what is made of the totals goes in limbs of 64 bits again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

from mlforge.plugin.engine.sizing import Limbs
from mlforge_spark.exact import BITS, Steps, carried, joined, squared
from mlforge_spark.numbers import ZERO, added, decimal, real

MOST_BITS = 200
"""From the lowest bit of the values to the highest: the fourth powers of more are beyond floats."""

_DIVIDED = 60
"""Totals are taken apart at this bit: limbs are so wide that it lies between two of them."""

_WIDTHS = (20, 15, 12)
_TOTAL = 120  # bits of a total that two halves hold
_DECIMAL = "DECIMAL(38, 0)"


class Whole(NamedTuple):
    """A whole number as SQL: carried limbs, the lowest first, and how many bits it has at most."""

    limbs: list[str]
    bits: int


Made = Generator[dict[str, str], None, Whole]


def limbs_for_moments(low: int, bits: int, terms: int) -> Limbs | None:
    """Limbs so narrow that the sum of the fourth powers of so many fits a decimal; None where there are too many."""
    if bits > MOST_BITS:
        return None
    growth = terms.bit_length()
    for width in _WIDTHS:
        length = max(1, -(-bits // width))
        if power_bits(Limbs(low, width, length, narrow=False, growth=growth), 4) <= _TOTAL:
            return Limbs(low, width, length, narrow=False, growth=growth)
    return None


def power_bits(limbs: Limbs, power: int) -> int:
    """How many bits a total of a place of a power has at most."""
    return limbs.width * power + (limbs.length ** (power - 1)).bit_length() + limbs.growth


def places(limbs: Limbs, power: int) -> int:
    """How many limbs a power has, none of which is carried."""
    return power * (limbs.length - 1) + 1


def power(roots: Sequence[str], squares: Sequence[str], power: int, limbs: Limbs) -> list[str]:
    """The limbs of a power, by those of a value and of its square; decimals where 64 bits do not hold totals."""
    match power:
        case 1:
            made = list(roots)
        case 2:
            made = squared(roots)
        case 3:
            made = _multiplied(_decimals(squares), _decimals(roots))
        case _:
            made = _multiplied(_decimals(squares), _decimals(squares))
    return made if power_bits(limbs, power) <= BITS else [f"CAST({limb} AS {_DECIMAL})" for limb in made]


def _decimals(limbs: Sequence[str]) -> list[str]:
    return [f"CAST({limb} AS DECIMAL(15, 0))" for limb in limbs]


def _multiplied(left: Sequence[str], right: Sequence[str]) -> list[str]:
    found: list[list[str]] = [[] for _ in range(len(left) + len(right) - 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            found[i + j].append(f"{a} * {b}")
    return [added(place) for place in found]


class Moments:
    """Whole numbers of any size in the columns of a frame, of limbs of one width; `n` is a column of 64 bits."""

    def __init__(self, limbs: Limbs, n: str, name: str) -> None:
        self._limbs, self._n, self._name, self._made = limbs, n, name, 0

    def total(self, parts: Sequence[str], power: int) -> Made:
        """The limbs of a total of powers, carried."""
        limbs, bits = self._limbs, power_bits(self._limbs, power)
        if bits <= BITS:
            return (yield from self._carried(list(parts), limbs.width * (len(parts) - 1) + bits))
        apart = _DIVIDED // limbs.width
        unit = decimal(2**_DIVIDED)
        halves = {f"{self._fresh()}_{i}": part for i, part in enumerate(parts)}
        lower = {f"{name}_l": f"CAST({part} % {unit} AS BIGINT)" for name, part in halves.items()}
        upper = {f"{name}_u": f"CAST({part} DIV {unit} AS BIGINT)" for name, part in halves.items()}
        yield lower | upper
        low, high = [*lower, *[ZERO] * apart], [*[ZERO] * apart, *upper]
        both = [added([a, b]) for a, b in zip(low, high, strict=True)]
        return (yield from self._carried(both, limbs.width * (len(parts) - 1) + bits))

    def product(self, a: Whole, b: Whole) -> Made:
        """The product of two numbers."""
        made = _multiplied(a.limbs, b.limbs)
        return (yield from self._carried(made, a.bits + b.bits))

    def combined(self, *terms: tuple[str, int, Whole]) -> Made:
        """A sum of numbers, each times a small whole number, given as SQL and its bits."""
        length = max(len(number.limbs) for _, _, number in terms)
        made = [
            added([f"{by} * {number.limbs[i]}" for by, _, number in terms if i < len(number.limbs)])
            for i in range(length)
        ]
        return (yield from self._carried(made, max(bits + number.bits for _, bits, number in terms) + 2))

    def times_n(self, number: Whole) -> Made:
        """A number times how many values there are."""
        return (yield from self.combined((self._n, self._limbs.growth, number)))

    def joined(self, number: Whole) -> str:
        """A number as the float next to it, or nearly so."""
        return joined(number.limbs, self._limbs.width, 0)

    def kept(self, sql: str) -> Steps:
        """A column of a name of its own."""
        name = self._fresh()
        yield {name: sql}
        return name

    def _carried(self, limbs: list[str], bits: int) -> Made:
        length = max(len(limbs), -(-(bits + 2) // self._limbs.width))
        made = {f"{self._fresh()}_{i}": limb for i, limb in enumerate([*limbs, *[ZERO] * (length - len(limbs))])}
        yield made
        found = yield from carried(list(made), self._limbs.width, BITS, self._fresh())
        return Whole(found, bits)

    def _fresh(self) -> str:
        self._made += 1
        return f"{self._name}_{self._made}"


def skew_of(powers: Sequence[Sequence[str]], limbs: Limbs, n: str, name: str) -> Steps:
    """Adjusted Fisher-Pearson skewness by the totals of values, squares and cubes; null of fewer than three."""
    m = Moments(limbs, n, name)
    first, second, third = yield from _totals(m, powers[:3])
    square, spread = yield from _spread(m, first, second)
    about = yield from m.combined(("2", 1, square), ("-3", 2, (yield from m.times_n(second))))
    left = yield from m.times_n((yield from m.times_n(third)))
    lean = yield from m.combined(("1", 1, left), ("1", 1, (yield from m.product(about, first))))
    over = yield from m.kept(m.joined(spread))
    size = yield from m.kept(f"CAST({n} AS DOUBLE)")
    factor = f"sqrt({size} * ({size} - {real(1)})) / ({size} - {real(2)})"
    skew = f"{m.joined(lean)} / ({over} * sqrt({over})) * ({factor})"
    return f"CASE WHEN {n} > 2 AND {over} > {real(0)} THEN {skew} END"


def kurtosis_of(powers: Sequence[Sequence[str]], limbs: Limbs, n: str, name: str) -> Steps:
    """Adjusted excess kurtosis by the totals of values and three powers of them; null of fewer than four."""
    m = Moments(limbs, n, name)
    first, second, third, fourth = yield from _totals(m, powers)
    square, spread = yield from _spread(m, first, second)
    crossed = yield from m.product(first, third)
    left = yield from m.combined((n, limbs.growth, fourth), ("-4", 3, crossed))
    right = yield from m.product(square, second)
    left = yield from m.combined((n, limbs.growth, left), ("6", 3, right))
    right = yield from m.product(square, square)
    tails = yield from m.combined((n, limbs.growth, left), ("-3", 2, right))
    whole = yield from m.product(spread, spread)
    bits = limbs.growth + 2
    excess = yield from m.combined((f"({n} + 1)", bits, tails), (f"(-3 * ({n} - 1))", bits, whole))
    over = yield from m.kept(m.joined(whole))
    size = yield from m.kept(f"CAST({n} AS DOUBLE)")
    factor = f"({size} - {real(1)}) / (({size} - {real(2)}) * ({size} - {real(3)}))"
    return f"CASE WHEN {n} > 3 AND {over} > {real(0)} THEN {m.joined(excess)} / {over} * ({factor}) END"


def _totals(m: Moments, powers: Sequence[Sequence[str]]) -> Generator[dict[str, str], None, list[Whole]]:
    found = []
    for power, parts in enumerate(powers, 1):
        found.append((yield from m.total(parts, power)))
    return found


def _spread(m: Moments, first: Whole, second: Whole) -> Generator[dict[str, str], None, tuple[Whole, Whole]]:
    """The square of a total, and `n * sum(x * x) - sum(x) ** 2`."""
    square = yield from m.product(first, first)
    return square, (yield from m.combined(("1", 1, (yield from m.times_n(second))), ("-1", 1, square)))
