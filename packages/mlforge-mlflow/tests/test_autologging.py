"""What a run in a real MLflow, over SQLite, has of the features that it was trained with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
import polars as pl
import pytest
from mlflow import MlflowClient

import mlforge as mlf

pytestmark = pytest.mark.filterwarnings(  # MLflow's own
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)
LABELS = pl.DataFrame({"user": [1, 2], "n": [1.0, 2.0], "label_time": [datetime(2026, 2, 1)] * 2})


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """MLflow over an SQLite database; making its tables takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    experiment = mlflow.create_experiment("shop", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=experiment)
    yield MlflowClient()
    mlflow.set_tracking_uri("")


@pytest.fixture
def shop(tmp_path: Path) -> mlf.Definitions:
    pl.DataFrame({"user": [1, 2], "amount": [1.0, 2.0], "at": [datetime(2026, 1, 5)] * 2}).write_parquet(
        tmp_path / "events.parquet"
    )

    @mlf.feature(source="events.parquet", keys="user", timestamp="at")
    def paid(df: pl.LazyFrame) -> pl.LazyFrame:
        return df

    share = mlf.request_feature(
        "share", inputs={"n": "Float64"}, uses="paid", columns={"share": mlf.col("n") / mlf.col("amount")}
    )
    churn = mlf.FeatureSet("churn", ["paid", "share"])
    defs = mlf.Definitions("shop", features=[paid, share], feature_sets=[churn], store="store", root=tmp_path)
    defs.build().raise_for_failure()
    return defs


@pytest.fixture
def autologged(tracking: MlflowClient) -> Iterator[MlflowClient]:
    mlf.mlflow.autolog()
    yield tracking
    mlf.mlflow.autolog(disable=True)


def logged(client: MlflowClient, run: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The parameters of a run, and those of its tags that are ours."""
    data = client.get_run(run.info.run_id).data
    return data.params, {name: value for name, value in data.tags.items() if name.startswith("mlforge.")}


def test_a_run_has_the_features_it_was_trained_with_and_a_lock_that_gives_them_again(
    shop: mlf.Definitions, autologged: MlflowClient, tmp_path: Path
) -> None:
    with mlflow.start_run() as run:
        frame = shop.get_training_data(LABELS, "churn")
    params, tags = logged(autologged, run)
    assert params == {"mlforge.version.paid": "1.0.0"}
    place = tags.pop("mlforge.lock")
    assert tags == {
        "mlforge.features": "paid@1.0.0, share", "mlforge.project": "shop", "mlforge.set": "churn", "mlforge.rows": "2",
    }  # fmt: skip
    shop.build("paid", force=True)
    kept = autologged.download_artifacts(run.info.run_id, place, str(tmp_path))
    assert shop.get_training_data(LABELS, lock=kept).equals(frame)


def test_another_version_in_the_same_run_is_in_its_tags(
    shop: mlf.Definitions, autologged: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    with mlflow.start_run() as run:
        shop.get_training_data(LABELS, "paid")
        shop.build("paid", force=True)
        shop.get_training_data(LABELS, "paid")
    params, tags = logged(autologged, run)
    assert params == {"mlforge.version.paid": "1.0.0"}
    assert tags["mlforge.features"] == "paid@1.0.0, paid@1.0.1"
    assert "is 1.0.0 already; that it is 1.0.1 now is in its tags alone" in caplog.text
    locks = autologged.list_artifacts(run.info.run_id, "mlforge")
    assert len(locks) == 2 and tags["mlforge.lock"] in {one.path for one in locks}


def test_each_run_has_its_own_in_whichever_thread_it_is(shop: mlf.Definitions, autologged: MlflowClient) -> None:
    shop.build("paid", force=True)
    runs: dict[str, Any] = {}

    def train(version: str) -> None:
        with mlflow.start_run() as run:
            runs[version] = run
            shop.get_training_data(LABELS, f"paid@{version}")

    threads = [threading.Thread(target=train, args=(version,)) for version in ("1.0.0", "1.0.1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {v: logged(autologged, run)[0] for v, run in runs.items()} == {
        "1.0.0": {"mlforge.version.paid": "1.0.0"}, "1.0.1": {"mlforge.version.paid": "1.0.1"},
    }  # fmt: skip


def test_nothing_is_logged_outside_a_run_or_after_it_was_disabled(
    shop: mlf.Definitions, autologged: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    shop.get_training_data(LABELS, "paid")
    mlf.mlflow.autolog(disable=True)
    with mlflow.start_run() as run:
        shop.get_training_data(LABELS, "paid")
    assert logged(autologged, run) == ({}, {})
    assert "observer" not in caplog.text


def test_an_mlflow_that_is_away_or_knows_no_such_run_hurts_nothing(
    shop: mlf.Definitions, tracking: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    for settings in ({"run": "nobody"}, {"run": "x", "tracking_uri": "http://127.0.0.1:9", "patience": 0.2}):
        defs = mlf.Definitions(
            "shop", features=list(shop.features.values()), store="store", root=shop.root,
            observers=[mlf.MLflowObserver(**settings)],
        )  # fmt: skip
        assert defs.get_training_data(LABELS, "paid").height == 2
    assert "The observer 'mlflow' failed at TrainingEnded" in caplog.text
    assert "The observer 'mlflow' was waited for 0.2 s" in caplog.text
