"""Publishing with those who look on."""

from __future__ import annotations

from mlforge.flow.observing import Watch
from mlforge.flow.online.publish import Publishing, PublishOrder, publish_safely
from mlforge.flow.online.publish_report import PublishResult
from mlforge.plugin.events import PublishBegun, PublishEnded, PublishFailed


def publish_watched(publishing: Publishing, order: PublishOrder, watch: Watch, online_store: str) -> PublishResult:
    """Publish a feature, and tell those who look on; whatever goes wrong is its own failure and nobody else's."""
    named = {"feature": order.feature, "online_store": online_store}
    watch.tell(PublishBegun, lambda: {**named, "version": order.version})
    result = publish_safely(publishing, order)
    if result.failure is not None:
        watch.fail(PublishFailed, result.failure.kind, result.failure.message, lambda: named)
    else:
        told = ("status", "version", "as_of", "entities", "removed", "seconds")
        watch.tell(PublishEnded, lambda: named | {word: getattr(result, word) for word in told})
    return result
