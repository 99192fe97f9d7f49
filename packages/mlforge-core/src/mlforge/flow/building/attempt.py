"""Attempting one feature of several: whatever goes wrong is its own failure."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

import msgspec

from mlforge.flow.building.build_report import BuildResult
from mlforge.flow.failure import failure_of
from mlforge.model.feature import Feature

_log = logging.getLogger("mlforge.build")


def safely(feature: Feature, work: Callable[[], BuildResult]) -> BuildResult:
    """What `work` gives, timed; whatever it raises is this feature's failure and nobody else's."""
    started = perf_counter()
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - features are independent: whatever one raises is its own failure
        _log.debug("%s failed", feature.name, exc_info=True)
        checks = getattr(error, "results", ())
        result = BuildResult(feature=feature.name, status="failed", failure=failure_of(error, feature), checks=checks)
    return msgspec.structs.replace(result, seconds=perf_counter() - started)
