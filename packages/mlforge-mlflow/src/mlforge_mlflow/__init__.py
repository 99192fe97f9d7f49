"""Logs in MLflow which features, of which versions, a run was trained with: `mlf.mlflow.autolog()`."""

from mlforge_mlflow.autologging import autolog

__all__ = ["autolog"]
