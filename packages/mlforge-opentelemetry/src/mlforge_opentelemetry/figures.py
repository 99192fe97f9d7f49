"""The metrics: how often, how long and how much, by project, feature and online store."""

from __future__ import annotations

from datetime import datetime

from opentelemetry.metrics import Meter

from mlforge.plugin import BuildEnded, Event, Failed, PublishEnded, TrainingEnded

Said = dict[str, str]


class Figures:
    """Counts what has ended, in the instruments of a meter."""

    def __init__(self, meter: Meter) -> None:
        works = ("build", "publish", "training")
        told = {"build": "builds of features", "publish": "publishes of features", "training": "training sets"}
        self._runs = {w: meter.create_counter(f"mlforge.{w}.runs", "{run}", f"Ended {told[w]}") for w in works}
        self._seconds = {
            w: meter.create_histogram(f"mlforge.{w}.duration", "s", f"How long {told[w]} took") for w in works
        }
        self._at = {
            w: meter.create_gauge(f"mlforge.{w}.succeeded", "s", f"When one of the {told[w]} last succeeded, Unix time")
            for w in ("build", "publish")
        }
        self._warnings = meter.create_counter("mlforge.build.warnings", "{warning}", "Broken promises that are told")
        self._rows = meter.create_gauge("mlforge.feature.rows", "{row}", "Rows of the version that there is")
        self._size = meter.create_gauge("mlforge.feature.size", "By", "Size of the version that there is")
        self._entities = meter.create_counter("mlforge.publish.entities", "{entity}", "Entities that were written")
        self._removed = meter.create_counter("mlforge.publish.removed", "{entity}", "Entities that were removed")
        self._trained = meter.create_counter("mlforge.training.rows", "{row}", "Rows of training sets")

    def failed(self, work: str, event: Failed, said: Said) -> None:
        """Count what has failed."""
        self._ended(work, {**said, "mlforge.status": "failed", "error.type": event.error}, event.seconds)

    def built(self, event: BuildEnded, said: Said) -> None:
        """Count a build, and say how large the version is that there is now."""
        self._ended("build", {**said, "mlforge.status": event.status}, event.seconds)
        self._at["build"].set(moment(event) / 1e9, said)
        self._warnings.add(len(event.warnings), said)
        self._rows.set(event.meta.row_count, said)
        self._size.set(sum(part.bytes for part in event.meta.parts), said)

    def published(self, event: PublishEnded, said: Said) -> None:
        """Count a publish, and how many entities it wrote and removed."""
        self._ended("publish", {**said, "mlforge.status": event.status}, event.seconds)
        self._at["publish"].set(moment(event) / 1e9, said)
        self._entities.add(event.entities, said)
        self._removed.add(event.removed, said)

    def trained(self, event: TrainingEnded, said: Said) -> None:
        """Count a training set, and its rows where they are known."""
        self._ended("training", {**said, "mlforge.status": "made"}, event.seconds)
        if event.rows is not None:
            self._trained.add(event.rows, said)

    def _ended(self, work: str, said: Said, seconds: float) -> None:
        self._runs[work].add(1, said)
        self._seconds[work].record(seconds, said)


def moment(event: Event) -> int:
    """When something happened, in nanoseconds since 1970."""
    at = datetime.fromisoformat(event.at)
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000
