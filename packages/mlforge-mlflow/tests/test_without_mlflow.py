"""Where there is no MLflow, the way to it is said."""

from __future__ import annotations

import pytest

import mlforge as mlf
from mlforge.errors import NotInstalled
from mlforge.model.feature import FeatureSpec
from mlforge.plugin import TrainingEnded, leave
from mlforge_mlflow.observer import LiveMLflow


def test_where_there_is_no_mlflow_the_way_to_it_is_said() -> None:
    with pytest.raises(NotInstalled, match="no MLflow"):
        mlf.mlflow.autolog()
    assert leave("mlflow") is False
    mlf.mlflow.autolog(disable=True)
    told = TrainingEnded(run="r", at="2026-01-05T00:00:00Z", versions=(FeatureSpec("f", "1.0.0"),), lock="{}")
    with LiveMLflow(mlf.MLflowObserver(run="r")) as live, pytest.raises(NotInstalled, match="no MLflow"):
        live.observe(told)
    with LiveMLflow(mlf.MLflowObserver()) as live:
        live.observe(told)
