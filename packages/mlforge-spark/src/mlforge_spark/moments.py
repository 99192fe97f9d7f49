"""Skewness and kurtosis from power sums that are exact: nothing is lost where terms cancel, and 0 is 0.

Neither changes when all values are multiplied by a number, so values count in units of their lowest bit. Powers of
their limbs are added up as decimals of 38 digits, and what is made of the totals goes in limbs of 64 bits again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

from mlforge.plugin.engine.sizing import Limbs
from mlforge_spark.exact import BITS, Listed, Steps, carried_array, joined, let, squared
from mlforge_spark.numbers import ZERO, added, decimal, real

MOST_BITS = 200
"""From the lowest bit of the values to the highest: the fourth powers of more are beyond floats."""

_DIVIDED = 60
"""Totals are taken apart at this bit: limbs are so wide that it lies between two of them."""

_WIDTHS = (20, 15, 12)
_TOTAL = 120  # bits of a total that two halves hold
_DECIMAL = "DECIMAL(38, 0)"


class Whole(NamedTuple):
    """A whole number as SQL: the column of its carried limbs, an array with the lowest first, and its bits at most."""

    column: str
    length: int
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
    return limbs.width * power + int(limbs.length ** (power - 1)).bit_length() + limbs.growth


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
    word = "BIGINT" if power_bits(limbs, power) <= BITS else _DECIMAL
    return [f"CAST({limb} AS {word})" for limb in made]


def _decimals(limbs: Sequence[str]) -> list[str]:
    return [f"CAST({limb} AS DECIMAL(15, 0))" for limb in limbs]


def _multiplied(left: Sequence[str], right: Sequence[str]) -> list[str]:
    found: list[list[str]] = [[] for _ in range(len(left) + len(right) - 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            found[i + j].append(f"{a} * {b}")
    return [added(place) for place in found]


class Moments:
    """Whole numbers of any size in the columns of a frame, of limbs of one width; `n` is a column of 64 bits.

    Each is one array, for plans of hundreds of columns take longer than what they compute.
    """

    def __init__(self, limbs: Limbs, n: str, name: str) -> None:
        self._limbs, self._n, self._name, self._made = limbs, n, name, 0

    def total(self, parts: Sequence[str], power: int) -> Made:
        """The limbs of a total of powers, carried."""
        bits, unit = power_bits(self._limbs, power), decimal(2**_DIVIDED)
        whole = self._limbs.width * (len(parts) - 1) + bits
        if bits <= BITS:
            return (yield from self._carried(f"array({', '.join(parts)})", len(parts), whole))
        apart = _DIVIDED // self._limbs.width
        lower = [*(f"CAST({part} % {unit} AS BIGINT)" for part in parts), *[ZERO] * apart]
        upper = [*[ZERO] * apart, *(f"CAST({part} DIV {unit} AS BIGINT)" for part in parts)]
        both = (f"{low} + {high}" for low, high in zip(lower, upper, strict=True))
        return (yield from self._carried(f"array({', '.join(both)})", len(lower), whole))

    def product(self, a: Whole, b: Whole) -> Made:
        """The product of two numbers."""
        length = a.length + b.length - 1
        pairs = f"sequence(greatest(0, k - {b.length - 1}), least(k, {a.length - 1}))"
        place = f"aggregate({pairs}, {ZERO}, (sum, i) -> sum + s.a[i] * s.b[k - i])"
        made = f"transform(sequence(0, {length - 1}), k -> {place})"
        made = let("s", f"named_struct('a', {a.column}, 'b', {b.column})", made)
        return (yield from self._carried(made, length, a.bits + b.bits))

    def combined(self, *terms: tuple[str, int, Whole]) -> Made:
        """A sum of numbers, each times a small whole number, given as SQL and its bits."""
        length = max(number.length for _, _, number in terms)
        found = [f"s.n{i} * coalesce(get(s.x{i}, k), {ZERO})" for i in range(len(terms))]
        made = f"transform(sequence(0, {length - 1}), k -> {' + '.join(found)})"
        fields = [f"'n{i}', {by}, 'x{i}', {number.column}" for i, (by, _, number) in enumerate(terms)]
        made = let("s", f"named_struct({', '.join(fields)})", made)
        return (yield from self._carried(made, length, max(bits + number.bits for _, bits, number in terms) + 2))

    def times_n(self, number: Whole) -> Made:
        """A number times how many values there are."""
        return (yield from self.combined((self._n, self._limbs.growth, number)))

    def joined(self, number: Whole) -> str:
        """A number as the float next to it, or nearly so: nothing is cancelled when carried limbs are added."""
        return joined(Listed(number.column, number.length), self._limbs.width, 0)

    def kept(self, sql: str) -> Steps:
        """A column of a name of its own."""
        self._made += 1
        name = f"{self._name}_{self._made}"
        yield {name: sql}
        return name

    def _carried(self, limbs: str, length: int, bits: int) -> Made:
        """A column of limbs of up to 62 bits, all but the highest within little more than half their width."""
        longer = max(length, -(-(bits + 2) // self._limbs.width))
        if longer > length:
            limbs = f"concat({limbs}, array_repeat({ZERO}, {longer - length}))"
        found = carried_array(limbs, longer, self._limbs.width)
        return Whole((yield from self.kept(found)), longer, bits)


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
