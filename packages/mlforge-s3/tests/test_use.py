"""A project whose store is a bucket of S3, from the command line and from Python."""

import pytest
from projects_in_buckets import ProjectTests


@pytest.mark.linux  # its server has no wheel for others
class TestProject(ProjectTests):
    settings = "KIND: s3"
