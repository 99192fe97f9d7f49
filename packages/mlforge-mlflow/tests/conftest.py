"""What needs MLflow runs where it is installed, in an environment of its own: `hatch run mlflow:test`."""

from importlib.util import find_spec

collect_ignore = ["test_without_mlflow.py" if find_spec("mlflow") else "test_autologging.py"]
