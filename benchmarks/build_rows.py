"""Keep the benchmark's feature rows in a store: build_rows.py DATA STORE"""

import sys

import mlforge as mlf

folder, store = sys.argv[1:3]


@mlf.feature(source=f"{folder}/features.parquet", keys="user_id", timestamp="event_time")
def facts(df):
    return df.drop("created")


mlf.Definitions("bench", features=[facts], store=mlf.LocalStore(store)).build().raise_for_failure()
