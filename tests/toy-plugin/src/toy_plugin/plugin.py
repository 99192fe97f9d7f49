"""What the plugin brings."""

from __future__ import annotations

from typing import ClassVar

from mlforge.plugin import (
    MetricDescriptor,
    OnlineStoreConfig,
    OnlineStoreDescriptor,
    Secret,
    ValidatorDescriptor,
    hookimpl,
)


class ToyStore(OnlineStoreConfig, frozen=True, tag="toy"):
    """Keeps what is served in one SQLite file.

    Args:
        path: The file.
        password: Not needed for anything, and never printed.
    """

    target: ClassVar[str] = "toy_plugin.store:LiveToyStore"

    path: str = "online.db"
    password: Secret | None = None


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """One online store."""
    return [OnlineStoreDescriptor(name="toy", summary="One SQLite file", api=1, config=ToyStore)]


@hookimpl
def mlforge_validators() -> list[ValidatorDescriptor]:
    """One validator."""
    summary, target = "Every value looks like an e-mail address", "toy_plugin.validators:is_email"
    return [ValidatorDescriptor(name="is_email", summary=summary, api=1, target=target, example="is_email()")]


@hookimpl
def mlforge_metrics() -> list[MetricDescriptor]:
    """One metric."""
    summary, target = "One sum divided by another", "toy_plugin.metrics:Ratio"
    example = 'Ratio("won", "played", windows=["7d"])'
    return [MetricDescriptor(name="Ratio", summary=summary, api=1, target=target, example=example)]
