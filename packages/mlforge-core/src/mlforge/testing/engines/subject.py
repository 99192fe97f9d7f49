"""What every class of engine tests shares: which engine, and how it is put on a bench."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mlforge.errors import Invalid
from mlforge.plugin import EngineConfig, EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge.testing.engines.bench import Bench
from mlforge.testing.lacks import expect_lacks


class EngineSubject:
    """The engine under test: a subclass gives its config."""

    def config(self) -> EngineConfig:
        """The engine to test."""
        raise Invalid(
            "The tests do not say which config they are about.",
            hint="Return the config of the engine to test: def config(self): return PolarsEngine()",
        )

    def descriptor(self) -> EngineDescriptor:
        """What the engine announces: found by the config's kind, among the installed plugins."""
        return registry().get(EngineDescriptor, self.config().kind)

    def others(self) -> Sequence[EngineConfig]:
        """The other engines that must read what this one writes: all that are installed."""
        found = registry().of(EngineDescriptor).values()
        return [opened_by(d) for d in found if d.config is not type(self.config())]

    @pytest.fixture
    def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
        """The open engine; what it lacks is expected to fail."""
        expect_lacks(request, self.descriptor().lacks)
        started = time.perf_counter()
        with self.config().open() as engine:
            bench = Bench(engine, self.descriptor(), tmp_path, self.others)
            yield bench
        record(request, bench.cases, time.perf_counter() - started)


def opened_by(descriptor: EngineDescriptor) -> EngineConfig:
    """An engine's config as it comes."""
    config = descriptor.config()
    assert isinstance(config, EngineConfig), f"{descriptor.name} is announced as an engine"
    return config


def record(request: pytest.FixtureRequest, cases: int, seconds: float) -> None:
    """Count what was generated; the JUnit report and the end of the run show it."""
    request.node.user_properties.append(("generated_cases", cases))
    plugins = request.config.pluginmanager
    if not plugins.has_plugin(Totals.name):
        plugins.register(Totals(), Totals.name)
    totals = plugins.get_plugin(Totals.name)
    assert isinstance(totals, Totals)
    totals.add(request.cls.__name__, cases, seconds)


class Totals:
    """Says at the end of a run how many cases were generated for each engine, and in what time."""

    name = "mlforge-generated-cases"

    def __init__(self) -> None:
        self.cases: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def add(self, subject: str, cases: int, seconds: float) -> None:
        self.cases[subject] = self.cases.get(subject, 0) + cases
        self.seconds[subject] = self.seconds.get(subject, 0.0) + seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for subject, cases in self.cases.items():
            terminalreporter.write_line(f"{subject}: {cases:,} generated cases in {self.seconds[subject]:.1f} s")
