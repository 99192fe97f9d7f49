"""What this plugin is: the DynamoDB online store, announced without importing a client."""

from __future__ import annotations

from typing import ClassVar

from mlforge.plugin import OnlineStoreConfig, OnlineStoreDescriptor, Secret, hookimpl
from mlforge_dynamodb.settings import check


class DynamoDBStore(OnlineStoreConfig, frozen=True, tag="dynamodb"):
    """Serve from a table of Amazon DynamoDB.

    Args:
        table_name: The table; its keys are `pk` and `sk`, both strings.
        region: Its region; without one, what AWS's own settings say.
        endpoint_url: Where DynamoDB answers, if not at AWS: `http://localhost:8000`.
        ttl_seconds: When an entity that is not published again is forgotten; None for never.
        auto_create: Make the table, paid by request, where there is none when the store is opened.
        consistent_read: Whether a reader sees what was written the moment before; without, reads cost half.
        access_key_id: The key to sign with; without one, AWS's own chain: variables, profiles, roles.
        secret_access_key: What belongs to it.
        session_token: What belongs to a temporary key.
        workers: How many requests may be under way at once, for one reader or publisher.
        timeout: How many seconds to wait for an answer, and for what a busy table left out of one.
        connect_timeout: How many seconds to wait for a connection.
        patience: How many seconds to try again to write what a busy table refuses.

    Raises:
        Invalid: A setting that is out of range.

    Example:
        >>> DynamoDBStore(table_name="features", region="eu-central-1", ttl_seconds=604800).kind
        'dynamodb'
    """

    target: ClassVar[str] = "mlforge_dynamodb.store:LiveDynamoDBStore"

    table_name: str = "mlforge"
    region: str | None = None
    endpoint_url: str | None = None
    ttl_seconds: int | None = None
    auto_create: bool = False
    consistent_read: bool = True
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    workers: int = 16
    timeout: float = 5.0
    connect_timeout: float = 2.0
    patience: float = 30.0

    def __post_init__(self) -> None:
        check(self)


@hookimpl
def mlforge_online_stores() -> list[OnlineStoreDescriptor]:
    """The one online store."""
    summary = "Entities in a table of Amazon DynamoDB."
    return [OnlineStoreDescriptor(name="dynamodb", summary=summary, api=1, config=DynamoDBStore)]
