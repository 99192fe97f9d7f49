"""The observer: a training set's features and versions as parameters, tags and an artifact of a run."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any, Self

from mlforge.errors import NotInstalled
from mlforge.plugin import Event, TrainingEnded

if TYPE_CHECKING:
    from mlforge_mlflow.plugin import MLflowObserver

FEATURES, LOCK, PROJECT, SET, ROWS = (f"mlforge.{word}" for word in ("features", "lock", "project", "set", "rows"))
VERSION = "mlforge.version."
_log = logging.getLogger("mlforge.mlflow")


class LiveMLflow:
    """Logs in one run, or nothing where there is none."""

    def __init__(self, config: MLflowObserver) -> None:
        self.config = config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def observe(self, event: Event) -> None:
        """Log a training set that was made; all else is nothing to a run."""
        if isinstance(event, TrainingEnded) and self.config.run is not None:
            self._log(event, self.config.run)

    def _log(self, event: TrainingEnded, run: str) -> None:
        client = _client(self.config.tracking_uri)
        known = client.get_run(run).data
        versions = _versions(event)
        tags = {FEATURES: _listed(known.tags.get(FEATURES, ""), event), PROJECT: event.project or None}
        tags |= {SET: event.name, ROWS: None if event.rows is None else str(event.rows)}
        if self.config.lock:
            tags[LOCK] = _file(event)
            client.log_text(run, event.lock, tags[LOCK])
        for name, version in versions.items():
            _param(client, run, known.params, VERSION + name, version)
        for tag, value in tags.items():
            if value is not None:
                client.set_tag(run, tag, value)


def _versions(event: TrainingEnded) -> dict[str, str]:
    """Each feature with its version, or with several."""
    found: dict[str, list[str]] = {}
    for one in event.versions:
        found.setdefault(one.name, []).append(str(one.version))
    return {name: ", ".join(dict.fromkeys(versions)) for name, versions in found.items()}


def _param(client: Any, run: str, known: dict[str, str], name: str, value: str) -> None:
    """Log a parameter, which a run keeps for ever."""
    if (had := known.get(name)) is None:
        client.log_param(run, name, value)
    elif had != value:
        _log.warning("%s of the run is %s already; that it is %s now is in its tags alone.", name, had, value)


def _listed(before: str, event: TrainingEnded) -> str:
    """What the tag has and what comes: `user_spend@1.0.0, risk`."""
    named = [*(one.text for one in event.versions), *event.computed]
    return ", ".join(dict.fromkeys([*filter(None, before.split(", ")), *named]))


def _file(event: TrainingEnded) -> str:
    """Where the lock goes: another file for other versions, so that none replaces another."""
    digest = hashlib.sha256(event.lock.encode()).hexdigest()[:8]
    return f"mlforge/{event.name or 'features'}-{digest}.lock"


def _client(tracking_uri: str | None) -> Any:
    try:
        from mlflow import MlflowClient
    except ImportError:
        raise NotInstalled(
            "There is no MLflow to log in.", hint='Install it: pip install "mlforge-mlflow[mlflow]"; or mlflow itself.'
        ) from None
    return MlflowClient(tracking_uri=tracking_uri)
