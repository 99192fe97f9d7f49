"""What this plugin is: an observer, and the module that is `mlforge.mlflow`; announced without importing MLflow."""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Self

import msgspec

from mlforge.plugin import ObserverConfig, ObserverDescriptor, hookimpl


class MLflowObserver(ObserverConfig, frozen=True, kw_only=True, tag="mlflow"):
    """Logs the features of a training set, and their versions, in the MLflow run that is active where it is made.

    Args:
        run: The run to log in; the one that is active, if there is one, if None.
        tracking_uri: Where that run is; as MLflow is set up, if None.
        lock: Whether the lock of the versions becomes an artifact of the run.
        patience: How many seconds a retrieval waits at its end for what is not logged yet.

    Example:
        >>> mlf.MLflowObserver(lock=False)
        MLflowObserver(patience=5.0, run=None, tracking_uri=None, lock=False)
    """

    target: ClassVar[str] = "mlforge_mlflow.observer:LiveMLflow"

    run: str | None = None
    tracking_uri: str | None = None
    lock: bool = True

    def here(self) -> Self:
        """The same, with the run that is active in this thread: MLflow knows it in no other one."""
        mlflow: Any = sys.modules.get("mlflow")  # where it is not imported there is no run
        if mlflow is None or self.run is not None:
            return self
        active = mlflow.active_run()
        if active is None:
            return self
        uri = self.tracking_uri or mlflow.get_tracking_uri()
        return msgspec.structs.replace(self, run=active.info.run_id, tracking_uri=uri)


@hookimpl
def mlforge_observers() -> list[ObserverDescriptor]:
    """One observer, and `mlforge.mlflow`."""
    summary = "Logs a run's features and versions in MLflow"
    return [
        ObserverDescriptor(name="mlflow", summary=summary, api=1, config=MLflowObserver, module="mlforge_mlflow"),
    ]
