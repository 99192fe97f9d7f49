"""Measuring what is about to become a version: all of it, also where only an increment was written."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from mlforge.errors import MlforgeError
from mlforge.model.feature import Feature
from mlforge.model.meta import Artifact
from mlforge.model.quality import Measuring, Quality
from mlforge.plugin.engine.frames import Frame
from mlforge.plugin.engine.protocol import Engine

_log = logging.getLogger("mlforge.build")


def measured(
    engine: Engine, rows: Frame, feature: Feature, previous: Artifact | None, *, needed: bool
) -> Quality | None:
    """The figures of a version's rows. Unless a promise needs them, that they cannot be had fails no build."""
    ask = Measuring(keys=feature.shape.key_names, edges=edges_of(previous.meta.quality if previous else None))
    try:
        return engine.measure(rows, ask)
    except MlforgeError as error:
        if needed:
            raise
        _log.warning("%s is kept without figures: %s", feature.name, error)
        return None


def edges_of(quality: Quality | None) -> Mapping[str, tuple[float, ...]]:
    """The edges of the histograms, so that a later version is counted between the same."""
    columns = quality.columns if quality else ()
    return {c.name: c.histogram.edges for c in columns if c.histogram and len(c.histogram.edges) > 1}
