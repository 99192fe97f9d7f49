"""Looking at a store of 1,000 features × 20 versions: seconds of whole processes, and requests to a bucket."""

import os
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from harness import HERE, alternate, measure, report
from listing import define, importing

import mlforge as mlf
from mlforge.flow.versions.manifest import refresh_manifest
from mlforge.model.meta import Part
from mlforge.plugin import layout
from mlforge.testing.versions import meta_of

VERSIONS = 5, 20
NAME = "feature_7"
LOOKS = {
    "list": ["list"],
    "list versions": ["list", "versions"],
    "versions NAME": ["versions", NAME],
    "inspect NAME": ["inspect", NAME],
    "manifest": ["manifest"],
}
PROFILE = "default_profile: dev\nprofiles: {{dev: {{offline_store: {store}}}}}\n"


def main(options):
    """The goal is two seconds, and a number of requests that does not grow with the versions."""
    features = int(1000 * options.scale)
    with tempfile.TemporaryDirectory() as folder, _store(options.store, folder) as (config, url, counting):
        file = define(folder, features)
        sides = {"importing them": importing(folder)}
        sides |= {n: [sys.executable, "-m", "mlforge", *w, "--target", file] for n, w in LOOKS.items()}
        os.environ["STORE_URL"] = url
        asked, last = {}, 0
        for versions in VERSIONS:
            _fill(config, features, range(last, versions))
            asked[versions], last = _requests(sides, url, counting), versions
        found = alternate(sides, options.runs)
    report(f"{features:,} features × {last} versions, {options.store}", found, {})
    for look in LOOKS:
        seconds = statistics.median(r.seconds for r in found[look])
        requests = ", ".join(f"{asked[n][look]} requests of {n} versions" for n in VERSIONS) if url else "no requests"
        print(f"  {look:16} {seconds:.2f} s (goal ≤ 2: {'met' if seconds <= 2 else 'MISSED'}), {requests}")


@contextmanager
def _store(kind, folder):
    """A store of this kind; its address, and a proxy that counts, where there are any."""
    os.chdir(folder)
    if kind == "local":
        Path("mlforge.yaml").write_text(PROFILE.format(store="{KIND: local, path: store}"))
        yield mlf.LocalStore("store"), "", None
        return
    sys.path.append(str(HERE.parent / "tests" / "reliability"))
    from hurt import servers

    os.environ |= servers.KEYS
    shared = servers.of("s3")
    Path("mlforge.yaml").write_text(
        PROFILE.format(store=f'{{KIND: s3, bucket: {shared.BUCKET}, endpoint_url: "${{oc.env:STORE_URL}}"}}')
    )
    with servers.s3(folder) as url:
        yield mlf.S3Store(shared.BUCKET, endpoint_url=url), url, shared.Counting


def _fill(config, features, numbers):
    """Write metadata and pointers, without data, and derive the manifest."""
    with config.open() as store, ThreadPoolExecutor(16) as pool:
        put = store.bucket.put if hasattr(store, "bucket") else _put
        list(pool.map(lambda i: _write(put, f"feature_{i}", numbers), range(features)))
        refresh_manifest(store, datetime.now(UTC))


def _write(put, name, numbers):
    for number in numbers:
        version = f"1.{number}.0"
        part = Part(f"{version}/data.parquet", 3, 4, "0" * 64)
        put(f"{name}/{version}/{layout.META}", layout.encode(meta_of(version, name, parts=(part,))))
        if put is _put:
            put(f"{name}/{part.path}", b"rows")
    put(f"{name}/{layout.LATEST}", layout.encode(layout.Pointer(version)))


def _put(key, data):
    path = Path("store", key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _requests(sides, url, counting):
    """How many requests each look sends."""
    found = {}
    for look in LOOKS if url else ():
        with counting(url) as proxy:
            measure(sides[look], env=os.environ | {"STORE_URL": proxy.url})
            found[look] = proxy.asked
    return found
