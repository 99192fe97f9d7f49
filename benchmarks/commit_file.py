"""Make a file a version in a bucket: commit_file.py s3|gcs URL FILE"""

import os
import sys
import uuid

import mlforge as mlf
from mlforge.testing.versions import meta_of

kind, url, path = sys.argv[1:4]
settings = {"prefix": uuid.uuid4().hex, "endpoint_url": url}
store = (
    mlf.S3Store("shop-features", **settings)
    if kind == "s3"
    else mlf.GCSStore("shop-features", anonymous=True, **settings)
)
with store.open() as live:
    target = live.begin("spend", "parquet")
    os.link(path, target.uri)
    live.commit(target, meta_of("1.0.0"), None)
