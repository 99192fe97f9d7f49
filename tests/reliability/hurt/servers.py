"""The servers that the packages' own tests use, started here once."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HOUSE = Path(__file__).parents[3]
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalr-the-right-one-EXAMPLEKEY",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "NO_GCE_CHECK": "true",
    "CLOUDSDK_CONFIG": "/nowhere",
}


def of(package):
    """What the tests of a package share."""
    spec = spec_from_file_location(f"servers_of_{package}", HOUSE / f"packages/mlforge-{package}/tests/conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def s3(folder):
    """The address of a SeaweedFS, which checks signatures and conditions."""
    server = of("s3").Server("weed", folder)
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def gcs():
    """The address of a fake-gcs-server."""
    servers = of("gcs")
    port = of("s3").free_port()
    process = servers.start(port)
    try:
        servers.make_bucket(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(30)
