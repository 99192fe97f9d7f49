"""How far two samples are apart, and how far they may be by chance."""

from random import Random

import pytest

from mlforge.model.drift import METHODS, ORDERED, Samples, by_chance, chi_square_quantile, distance


@pytest.mark.parametrize(
    ("part", "degrees", "value"),
    [
        (0.995, 1, 7.8794), (0.995, 9, 23.5894), (0.99, 3, 11.3449), (0.95, 30, 43.7730), (0.5, 2, 1.3863),
        (0.05, 10, 3.9403), (0.995, 100, 140.1695), (0.999, 5, 20.5150),
    ],
)  # fmt: skip
def test_chi_square_quantiles_are_those_of_the_tables(part, degrees, value):
    assert chi_square_quantile(part, degrees) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("method", METHODS)
def test_samples_that_are_the_same_are_not_apart(method):
    same = Samples((30, 40, 30), (300, 400, 300), (1.0, 1.0, 0.0))
    assert distance(method, same) == pytest.approx(0, abs=1e-2 if method == "psi" else 1e-9)


def test_distances_are_those_of_their_definitions():
    samples = Samples((50, 50), (90, 10), (2.0, 0.0))
    assert distance("ks", samples) == pytest.approx(0.4)
    assert distance("wasserstein", samples) == pytest.approx(0.8)
    assert distance("chi2", samples) == pytest.approx((38.095238 / 200) ** 0.5)
    assert distance("js", samples) == pytest.approx(0.383136, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_chance_does_less_to_larger_samples_and_more_to_many_columns(method):
    small, large = (Samples((n, n, n), (n, n, n), (1.0, 1.0, 0.0)) for n in (20, 2000))
    assert by_chance(method, small) > by_chance(method, large)
    assert by_chance(method, small, columns=100) > by_chance(method, small)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ORDERED])
def test_few_pairs_of_one_distribution_alarm(method):
    draw = Random(3)
    alarms = 0
    for _ in range(400):
        counts = [[0] * 10, [0] * 10]
        for side in counts:
            for _ in range(100):
                side[draw.randrange(10)] += 1
        samples = Samples(*map(tuple, counts))
        alarms += distance(method, samples) > max(0.1, by_chance(method, samples))
    assert alarms <= 8
