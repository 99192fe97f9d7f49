"""The verbs about what the rows of versions are like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.flow.drifting.drift_report import DriftReport
from mlforge.flow.drifting.sides import DriftQuestion, drift
from mlforge.flow.moments import Instant, now
from mlforge.flow.versions.quality import FeatureQuality, quality
from mlforge.model.drift import MATTERS, Method
from mlforge.model.span import read_instant
from mlforge.model.spelling import spelled
from mlforge.plugin.config import EngineConfig
from mlforge.project.project import default_engine, engine_config
from mlforge.store_verbs import StoreVerbs


class QualityVerbs(StoreVerbs):
    """A project with the verbs about what its rows are like."""

    @spelled
    def quality(self, name: str, version: str | None = None, profile: str | None = None) -> FeatureQuality:
        """What was measured of a version when it was built, the latest if None.

        Raises:
            NotFound: It was not built, or nothing was measured then.

        Example:
            >>> found = defs.quality("user_spend")
            >>> print(found)
            user_spend 1.0.0: 726 rows, 25 entities, events up to 2026-03-01T20:03:06Z
            >>> found.column("purchases_7d").max
            9
        """
        with self._looking_into(name), self.settings(profile).offline_store.open() as store:
            return quality(store, name, version, now())

    @spelled
    def drift(
        self,
        name: str,
        against: str | None = None,
        *,
        version: str | None = None,
        since: Instant | None = None,
        frame: Any = None,
        columns: Sequence[str] | None = None,
        method: Method = "psi",
        threshold: float = MATTERS,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
    ) -> DriftReport:
        """Whether the values of a feature have drifted, column by column, and why that is said.

        A column has drifted where the distance is more than `threshold`, and more than chance may do to samples of
        these sizes in one of 200 comparisons, whatever the number of columns.

        Args:
            name: The feature.
            against: The version to compare with; the one before, if None.
            version: The version to look at; the latest if None.
            since: Compare what it has from here on with what it has before: a time, or how long ago: `"7d"`.
            frame: Compare these values with the version: a Polars, pandas or pyarrow table, such as what was served.
            columns: Of which columns; of all but keys and time if None.
            method: `psi`, `js`, `chi2`; or `ks`, `wasserstein`, which compare numbers and times alone.
            threshold: What distance matters.
            engine: Compute with this engine.
            profile: A profile of `mlforge.yaml`.

        Raises:
            NotFound: A version or a column that is not there, or no version before the one looked at.
            Invalid: Two comparisons at once, or a range of a feature without a timestamp.
            Unknown: A method that there is none of.

        Example:
            >>> report = defs.drift("user_spend", since="2026-02-01", columns=["purchases_7d"])
            >>> report.ok, report.columns[0].before
            (False, 190)
        """
        settings = self.settings(profile)
        asked = DriftQuestion(
            name=name, version=version, against=against, frame=frame, method=method, threshold=threshold,
            since=None if since is None else read_instant(since, now(), "since"),
            columns=None if columns is None else (columns,) if isinstance(columns, str) else tuple(columns),
        )  # fmt: skip
        chosen = engine_config(engine) if engine is not None else settings.engine or default_engine()
        with self._looking_into(name), settings.offline_store.open() as store, chosen.open() as live:
            return drift(store, live, asked)
