"""What users spend, by day, week and month."""

import polars as pl

import mlforge as mlf

user = mlf.Entity(name="user", join_key="user_id")


@mlf.feature(
    source="data/transactions.parquet",
    entities=[user],
    timestamp="event_time",
    interval="1d",
    metrics=[mlf.Sum("amt", windows=["1d", "7d", "30d"]), mlf.Count("amt", windows=["1d", "7d", "30d"])],
    tags=["users", "daily"],
)
def user_spend(df: pl.DataFrame) -> pl.DataFrame:
    return df.select("user_id", "event_time", "amt")


defs = mlf.Definitions("fraud-detection", [user_spend])
