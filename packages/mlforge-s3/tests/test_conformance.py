"""The S3 offline store is held to the whole kit, against a store that checks signatures and conditions."""

from __future__ import annotations

import msgspec
import pytest

from mlforge.testing import ObjectStoreTests, PluginTests
from mlforge_s3.bucket import S3Bucket


class TestPlugin(PluginTests):
    entry_point = "s3"
    settings = {"s3": {"bucket": "shop-features"}}  # noqa: RUF012


@pytest.mark.linux  # its server has no wheel for others
class TestStore(ObjectStoreTests):
    @pytest.fixture(autouse=True)
    def _server(self, store_of, tmp_path):
        self.store_of = store_of
        self.all = S3Bucket(store_of(tmp_path, prefix=""))

    def config(self, folder):
        return self.store_of(folder)

    def bucket(self, folder=None):
        return self.all if folder is None else S3Bucket(self.config(folder))

    def broken(self, folder):
        return msgspec.structs.replace(self.config(folder), bucket="not-there")
