"""How often things are hurt, where, and the figures of it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from hurt import forks, projects, servers

import mlforge as mlf

FIGURES = pytest.StashKey[list]()


def pytest_terminal_summary(terminalreporter, config):
    """Say what was done how often."""
    reports = [r for group in terminalreporter.stats.values() for r in group if hasattr(r, "user_properties")]
    figures = [
        text
        for r in reports
        if getattr(r, "when", "") == "call"
        for name, text in r.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(text)


@pytest.fixture
def times(request):
    """How often to do what is done so often in the short form."""
    factor = request.config.getoption("torture")
    return lambda count: max(1, round(count * factor))


@pytest.fixture
def figure(record_property):
    return lambda text: record_property("figure", text)


@pytest.fixture(autouse=True, scope="session")
def _settings():
    """No settings of a cloud that the machine may have, and a key in the variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(("AWS_", "GOOGLE_", "STORAGE_EMULATOR"))]:
            patch.delenv(name)
        for name, value in servers.KEYS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory):
    with servers.s3(tmp_path_factory.mktemp("weed")) as url:
        yield url


@pytest.fixture(scope="session")
def gcs_url():
    with servers.gcs() as url:
        yield url


def s3_store(url, **settings):
    return mlf.S3Store("shop-features", prefix=uuid.uuid4().hex, endpoint_url=url, **settings)


@pytest.fixture(params=["local", "s3"])
def place(request, tmp_path):
    """A project whose store is a folder, or in a bucket."""
    folder = tmp_path / "shop"
    local = request.param == "local"
    config = mlf.LocalStore(folder / "store") if local else s3_store(request.getfixturevalue("s3_url"))
    return projects.begin(folder, config)


@pytest.fixture(scope="session")
def temporary(tmp_path_factory):
    """Where processes that are killed put what is on the way."""
    folder = tmp_path_factory.mktemp("way")
    with forks.ready(folder):
        yield Path(folder)
