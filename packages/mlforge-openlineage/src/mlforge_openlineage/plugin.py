"""What this plugin is: an observer, announced without importing a client."""

from __future__ import annotations

from typing import ClassVar

from mlforge.plugin import ObserverConfig, ObserverDescriptor, Secret, hookimpl


class OpenLineageObserver(ObserverConfig, frozen=True, kw_only=True, tag="openlineage"):
    """Sends builds, publishes and training sets as OpenLineage events, with the lineage of every column.

    Args:
        url: The receiver, such as Marquez: `http://marquez:5000`. Without one the client is set up as its own
            documentation says: by `OPENLINEAGE_URL`, or by an `openlineage.yml`.
        endpoint: The path events are posted to.
        api_key: Sent as a bearer token.
        namespace: The namespace of jobs, features and what is served; sources have those of their addresses.
        timeout: How many seconds the receiver may take to answer.
        patience: How many seconds a build waits at its end for events that are not sent yet.

    Example:
        >>> mlf.OpenLineageObserver(url="http://marquez:5000", api_key="hunter2")
        OpenLineageObserver(patience=5.0, url='http://marquez:5000', endpoint='api/v1/lineage', api_key='***', ...)
    """

    target: ClassVar[str] = "mlforge_openlineage.observer:LiveOpenLineage"

    url: str | None = None
    endpoint: str = "api/v1/lineage"
    api_key: Secret | None = None
    namespace: str = "mlforge"
    timeout: float = 5.0


@hookimpl
def mlforge_observers() -> list[ObserverDescriptor]:
    """One observer."""
    summary = "Sends builds, publishes and training sets as OpenLineage events"
    return [ObserverDescriptor(name="openlineage", summary=summary, api=1, config=OpenLineageObserver)]
