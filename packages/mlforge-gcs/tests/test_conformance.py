"""The Google Cloud Storage offline store is held to the whole kit."""

from __future__ import annotations

import msgspec
import pytest

from mlforge.testing import ObjectStoreTests, PluginTests
from mlforge_gcs.bucket import GCSBucket


class TestPlugin(PluginTests):
    entry_point = "gcs"
    settings = {"gcs": {"bucket": "shop-features"}}  # noqa: RUF012


@pytest.mark.linux  # its server has no wheel for others
class TestStore(ObjectStoreTests):
    most_examples = 2  # its server takes milliseconds a request

    @pytest.fixture(autouse=True)
    def _server(self, store_of, tmp_path):
        self.store_of = store_of
        self.all = GCSBucket(store_of(tmp_path, prefix=""))

    def config(self, folder):
        return self.store_of(folder)

    def bucket(self, folder=None):
        return self.all if folder is None else GCSBucket(self.config(folder))

    def broken(self, folder):
        return msgspec.structs.replace(self.config(folder), bucket="not-there")
