"""The kit's own machinery: counting, comparing, expecting lacks, and refusing what is not finished."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.expr import it
from mlforge.model.metric import Aggregate
from mlforge.testing import EngineTests, MetricTests, ValidatorTests
from mlforge.testing.compare import same
from mlforge.testing.engines.bench import Bench, reference_bench
from mlforge.testing.generated import DEFAULT_CASES, explore
from mlforge.testing.refusals import refused
from mlforge.testing.strategies import cases

pytest_plugins = "pytester"

ENGINE = """
    import msgspec
    from mlforge.plugin import Lack
    from mlforge.testing.engines.applying import ApplyTests
    from mlforge.testing.engines.framing import FrameTests
    from mlforge.testing.reference import DESCRIPTOR, ReferenceEngine

    class Subject({tests}):
        def config(self):
            return ReferenceEngine()

        def descriptor(self):
            return msgspec.structs.replace(DESCRIPTOR, lacks={{"{lack}": Lack("upstream", "a bug of theirs")}})

    class TestEngine(Subject):
        def test_something_that_fails(self, bench):
            assert False
"""


def test_a_lack_turns_a_failing_case_into_an_expected_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ENGINE.format(tests="ApplyTests", lack="something_that_fails"))
    found = pytester.runpytest("-rx", "-p", "no:cacheprovider")
    found.assert_outcomes(passed=8, xfailed=1)
    found.stdout.fnmatch_lines(["*upstream: a bug of theirs*"])


def test_a_lack_that_was_made_good_must_be_struck_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ENGINE.format(tests="ApplyTests", lack="a_function_that_returns_nothing_is_named"))
    pytester.runpytest("-k", "returns_nothing", "-p", "no:cacheprovider").assert_outcomes(failed=1, deselected=8)


def test_a_lack_may_be_a_parameter(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ENGINE.format(tests="FrameTests", lack="Decimal(10, 2)"))
    found = pytester.runpytest("-k", "Decimal and each_type_has", "-p", "no:cacheprovider")
    assert found.parseoutcomes()["failed"] == 1


def test_the_end_of_a_run_says_how_many_cases_there_were(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFORGE_CASES", "400")
    pytester.makepyfile(ENGINE.format(tests="FrameTests", lack="something_that_fails"))
    found = pytester.runpytest("-k", "came_back or come_back", "-p", "no:cacheprovider")
    found.stdout.fnmatch_lines(["TestEngine: 20 generated cases in * s"])


def test_a_test_of_the_kit_that_fails_shows_what_it_compared(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from mlforge.testing import PluginTests

        class TestPlugin(PluginTests):
            entry_point = "nobodys"
    """)
    found = pytester.runpytest_subprocess("-k", "heavy", "-W", "error", "-p", "no:cacheprovider")
    found.stdout.fnmatch_lines(["E*assert 0 == 1", "E*where 0 = len(*"])
    assert found.parseoutcomes()["failed"] == 1


def test_the_core_itself_imports_no_pytest() -> None:
    code = "import sys, pkgutil, mlforge.testing, mlforge.cli.app; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_engine_gets_two_thousand_cases_by_default() -> None:
    tests = [getattr(EngineTests, name) for name in dir(EngineTests)]
    shares = sum(getattr(test, "share", 0.0) for test in tests)
    assert shares * DEFAULT_CASES >= 2000


def test_the_same_cases_come_every_time() -> None:
    class Counter:
        cases = 0
        shrink = False

    runs: list[list[str]] = [[], []]
    for run in runs:
        explore(cases(), lambda case, run=run: run.append(repr(case)), Counter(), 30)  # type: ignore[misc]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 25


@pytest.mark.parametrize(
    ("expected", "actual"), [(1, 1.0), (1, True), (None, 0), (math.nan, 0.0), ([1], [1.0]), ("1", 1), (0.0, 1e-300)]
)
def test_values_of_other_types_are_not_the_same(expected: Any, actual: Any) -> None:
    assert not same(expected, actual, near=True)


def test_floats_are_near_within_a_billionth_and_no_further() -> None:
    assert same(1.0, 1.0 + 9e-10, near=True)
    assert not same(1.0, 1.0 + 2e-9, near=True)
    assert not same(1.0, 1.0 + 9e-10)
    assert same(math.nan, math.nan)
    assert same(0.0, -0.0)


def test_a_refusal_needs_its_class_its_words_and_a_hint() -> None:
    for error in (Invalid("about x"), Invalid("about y", hint="mend it"), ValueError("about x")):
        with pytest.raises((AssertionError, ValueError)), refused(Invalid, "x"):
            raise error
    with refused(Invalid, "x"):
        raise Invalid("about x", hint="mend it")


class Positive(ValidatorTests):
    dtype = "Int64"
    kept = (1, None)
    broken = (0, -1)

    def validator(self) -> Validator:
        return Validator("positive", it() <= 0)


class NearlyPositive(Positive):
    def validator(self) -> Validator:
        return Validator("positive", it() < 0)


class TooPositive(Positive):
    def validator(self) -> Validator:
        return Validator("positive", it() <= 1)


class Spend(MetricTests):
    schema: ClassVar = {"x": "Int64"}
    events = (("2024-01-01T00:00", {"x": 2}), ("2024-01-01T12:00", {"x": 3}))
    expected: ClassVar = {"2024-01-01T12:00": {"x__sum__1d": 5}, "2024-01-02T00:00": {"x__sum__1d": 3}}

    def metric(self) -> Aggregate:
        return Aggregate("x", "sum", windows="1d")


class Mean(Spend):
    def metric(self) -> Aggregate:
        return Aggregate("x", "mean", windows="1d", name="x__sum_")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return reference_bench(tmp_path)


def test_a_validator_that_is_right_passes(bench: Bench) -> None:
    Positive().test_values_that_keep_the_promise_pass(bench)
    Positive().test_values_that_break_the_promise_are_found(bench)


def test_a_validator_that_lets_a_broken_promise_pass_is_noticed(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="positive"):
        NearlyPositive().test_values_that_break_the_promise_are_found(bench)


def test_a_validator_that_finds_fault_with_a_kept_promise_is_noticed(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="positive"):
        TooPositive().test_values_that_keep_the_promise_pass(bench)


def test_a_metric_that_is_right_passes(bench: Bench) -> None:
    Spend().test_it_has_the_expected_values_at_every_instant(bench)


def test_a_metric_with_other_values_is_noticed(bench: Bench) -> None:
    with pytest.raises(AssertionError, match=r"x__sum__1d at 2024-01-01T12:00 is 2\.5, expected 5"):
        Mean().test_it_has_the_expected_values_at_every_instant(bench)


def test_tests_without_anything_to_test_are_noticed() -> None:
    with pytest.raises(AssertionError):
        ValidatorTests().test_there_are_values_that_keep_the_promise_and_some_that_break_it()
    with pytest.raises(AssertionError):
        MetricTests().test_there_are_events_and_expected_values()


def test_the_reference_agrees_with_itself_and_not_with_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlforge.testing.oracle import disagreement

    bench = reference_bench(tmp_path)
    assert disagreement(bench, 30, 1) is None
    monkeypatch.setattr(bench.engine, "settle", lambda frame, shape: frame, raising=False)
    assert "Failing test case" in str(disagreement(bench, 30, 1))
