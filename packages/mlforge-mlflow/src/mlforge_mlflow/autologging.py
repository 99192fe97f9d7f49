"""`mlf.mlflow.autolog()`: from then on, what is trained with is logged."""

from __future__ import annotations

from importlib.util import find_spec

from mlforge.errors import NotInstalled
from mlforge.plugin import attend, leave
from mlforge_mlflow.plugin import MLflowObserver


def autolog(*, lock: bool = True, disable: bool = False) -> None:
    """Log features and versions in the active MLflow run wherever this process makes a training set inside one.

    Each feature becomes a parameter, `mlforge.version.user_spend` = `1.0.0`; all of them the tag `mlforge.features`;
    the lock an artifact that `get_training_data(…, lock=…)` takes, whose path is the tag `mlforge.lock`. Parameters of
    a run never change: what is retrieved later, of another version, is in the tag alone.

    Args:
        lock: Whether the lock becomes an artifact.
        disable: Log no more.

    Raises:
        NotInstalled: There is no MLflow.

    Example:
        >>> autolog(disable=True)
    """
    if disable:
        leave("mlflow")
        return
    if find_spec("mlflow") is None:
        raise NotInstalled(
            "There is no MLflow to log in.", hint='Install it: pip install "mlforge-mlflow[mlflow]"; or mlflow itself.'
        )
    attend(MLflowObserver(lock=lock))
