"""The plugin is announced as plugins must be, and costs nobody MLflow who has none."""

from __future__ import annotations

import subprocess
import sys

import mlforge as mlf
from mlforge.testing import PluginTests


class TestMLflowPlugin(PluginTests):
    entry_point = "mlflow"


def test_it_is_a_word_of_mlforge() -> None:
    from mlforge import mlflow

    assert mlflow is mlf.mlflow
    assert mlf.MLflowObserver().kind == "mlflow"


def test_looking_on_does_not_import_mlflow() -> None:
    code = "import sys, mlforge as mlf; mlf.MLflowObserver().here(); print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
