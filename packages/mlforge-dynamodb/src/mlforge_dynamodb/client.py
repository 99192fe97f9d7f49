"""The client, and the table it asks for."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError

from mlforge.errors import Invalid
from mlforge_dynamodb.failures import MISSING, code_of, refuse_another
from mlforge_dynamodb.plugin import DynamoDBStore

_ATTEMPTS = 3
EXPIRES = "expires"


def connect(config: DynamoDBStore) -> Any:
    """A client, which opens connections when they are needed. Raises `Invalid` where settings are missing."""
    if (config.access_key_id is None) != (config.secret_access_key is None):
        raise Invalid("Of access_key_id and secret_access_key one is missing.", hint="Give both, or neither.")
    try:
        client = botocore.session.Session().create_client(
            "dynamodb",
            region_name=config.region,
            endpoint_url=config.endpoint_url,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            aws_session_token=config.session_token,
            config=Config(
                connect_timeout=config.connect_timeout,
                read_timeout=config.timeout,
                max_pool_connections=config.workers,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                parameter_validation=False,
                tcp_keepalive=True,
            ),
        )
    except NoRegionError:
        raise Invalid("There is no region to look for the table in.", hint="Set region, or AWS_REGION.") from None
    client.meta.events.register("after-call.dynamodb", refuse_another)
    return client


def create(client: Any, table: str) -> None:
    """Make the table where there is none, and have it forget what is too old."""
    if not _exists(client, table):
        _make(client, table)
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    _let_expire(client, table)


def _exists(client: Any, table: str) -> bool:
    try:
        client.describe_table(TableName=table)
    except ClientError as error:
        if code_of(error) != MISSING:
            raise
        return False
    return True


def _make(client: Any, table: str) -> None:
    try:
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
    except ClientError as error:
        if code_of(error) != "ResourceInUseException":  # somebody else makes it
            raise


def _let_expire(client: Any, table: str) -> None:
    if _expires(client, table):
        return
    try:
        client.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES})
    except ClientError:
        if not _expires(client, table):  # else somebody else was faster, which DynamoDB refuses
            raise


def _expires(client: Any, table: str) -> bool:
    return _time_to_live(client, table).get("TimeToLiveStatus") not in {None, "DISABLED"}


def _time_to_live(client: Any, table: str) -> dict[str, str]:
    found: dict[str, str] = client.describe_time_to_live(TableName=table).get("TimeToLiveDescription", {})
    return found


def refuse_other_expiry(client: Any, table: str) -> None:
    """Raise `Invalid` where a table forgets by another attribute than ours. Who may not ask is not told."""
    try:
        found = _time_to_live(client, table)
    except ClientError:
        return
    name = found.get("AttributeName", EXPIRES)
    if name != EXPIRES and found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}:
        raise Invalid(
            f"The table {table!r} has the time-to-live attribute {name!r}, and not {EXPIRES!r}: nothing would be "
            "removed from it.",
            hint="Choose another table_name, or turn that off and, an hour later, this on: aws dynamodb "
            f"update-time-to-live --table-name {table} --time-to-live-specification Enabled=false,AttributeName={name}"
            f" and Enabled=true,AttributeName={EXPIRES}",
        )
