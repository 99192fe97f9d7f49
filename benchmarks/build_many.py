"""Keep the benchmark's many features in a store: build_many.py DATA STORE FEATURES"""

import sys

import mlforge as mlf

folder, store, features = sys.argv[1], sys.argv[2], int(sys.argv[3])


def feature(number):
    """One of the features, its columns as they are."""

    def facts(df):
        return df

    facts.__name__ = f"facts_{number}"
    return mlf.feature(source=f"{folder}/features_{number}.parquet", keys="user_id", timestamp="event_time")(facts)


defs = mlf.Definitions("bench", features=[feature(n) for n in range(features)], store=mlf.LocalStore(store))
defs.build().raise_for_failure()
