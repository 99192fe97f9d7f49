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
    """Two validators: of rows, and of what is measured of them."""
    return [
        ValidatorDescriptor(
            name="is_email",
            summary="Every value looks like an e-mail address",
            api=1,
            target="toy_plugin.validators:is_email",
            example="is_email()",
        ),
        ValidatorDescriptor(
            name="mostly_known",
            summary="Most values are not null",
            api=1,
            target="toy_plugin.figures:mostly_known",
            example="mostly_known(0.9)",
        ),
    ]


@hookimpl
def mlforge_metrics() -> list[MetricDescriptor]:
    """Two metrics: of sums, and of parts of an aggregation that no engine knows."""
    return [
        MetricDescriptor(
            name="Share",
            summary="One sum as a share of another",
            api=1,
            target="toy_plugin.metrics:Share",
            example='Share("won", "played", windows=["7d"])',
        ),
        MetricDescriptor(
            name="CoefficientOfVariation",
            summary="The standard deviation over the mean",
            api=1,
            target="toy_plugin.variation:CoefficientOfVariation",
            example='CoefficientOfVariation("amount", windows=["7d"])',
        ),
    ]
