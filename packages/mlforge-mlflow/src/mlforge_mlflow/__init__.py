"""Logs in MLflow which features, of which versions, a run was trained with: `mlf.mlflow.autolog()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlforge_mlflow.autologging import autolog

__all__ = ["autolog"]


def __getattr__(name: str) -> object:
    """What is asked for, loaded then: the package is looked at by whoever lists the commands of plugins."""
    if name not in __all__:
        raise AttributeError(name)
    from mlforge_mlflow import autologging

    return getattr(autologging, name)
