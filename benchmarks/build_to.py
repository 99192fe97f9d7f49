"""Keep the benchmark's feature rows in a folder or a bucket: build_to.py DATA ENGINE FOLDER|URL"""

import sys

import mlforge as mlf

folder, engine, place = sys.argv[1:4]


@mlf.feature(source=f"{folder}/features.parquet", keys="user_id", timestamp="event_time")
def facts(df):
    return df


store = mlf.S3Store("shop-features", endpoint_url=place) if place.startswith("http") else mlf.LocalStore(place)
defs = mlf.Definitions("bench", features=[facts], store=store, engine=engine)
defs.build(force=True).raise_for_failure()
