"""The table: what is asked of it, again where it is busy. Every failure is `PluginFailed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from mlforge.errors import PluginFailed
from mlforge_dynamodb.client import connect, create, refuse_other_expiry
from mlforge_dynamodb.failures import BUSY, CONDITION, Told, code_of
from mlforge_dynamodb.items import Item
from mlforge_dynamodb.plugin import DynamoDBStore
from mlforge_dynamodb.retry import Patience

BATCH = 100
"""How many items one request may ask for."""


class Table:
    """A table, which threads may ask at once."""

    def __init__(self, config: DynamoDBStore) -> None:
        self._config, self.name = config, config.table_name
        self.client = connect(config)
        self.where = f"table {self.name!r} at {config.endpoint_url or self.client.meta.region_name}"
        self._told, self._is_checked = Told(self.where), False
        if config.auto_create:
            with self._told:
                create(self.client, self.name)

    def get(self, key: Item) -> Item | None:
        """What is there at this moment."""
        with self._told:
            answer = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def get_many(self, keys: Sequence[Item]) -> list[Item]:
        """What is there of at most `BATCH` keys, in any order. What a busy table leaves out is asked for again."""
        found: list[Item] = []
        patience = Patience(self._config.timeout)
        asked: Any = {self.name: {"Keys": keys, "ConsistentRead": self._config.consistent_read}}
        while asked:
            with self._told:
                answer = self.client.batch_get_item(RequestItems=asked)
            some, asked = answer["Responses"].get(self.name, []), answer.get("UnprocessedKeys")
            found += some
            if asked and not some and not patience.wait():
                raise self._left_out(len(asked[self.name]["Keys"]), len(keys))
        return found

    def _left_out(self, left: int, asked: int) -> PluginFailed:
        return PluginFailed(
            f"DynamoDB {self.where} left {left} of {asked} items out for {self._config.timeout:g} s.",
            hint="Raise the table's capacity, or timeout.",
        )

    def put(self, item: Item, condition: str, values: Item) -> bool:
        """Put an item where the condition holds; whether it did. What a busy table refuses is tried again."""
        put = {"TableName": self.name, "Item": item, "ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = values
        patience = Patience(self._config.patience)
        with self._told:
            if not self._is_checked:
                refuse_other_expiry(self.client, self.name)
                self._is_checked = True
            while True:
                try:
                    self.client.put_item(**put)
                    return True
                except ClientError as error:
                    if code_of(error) == CONDITION:
                        return False
                    if code_of(error) not in BUSY or not patience.wait():
                        raise

    def swap(self, item: Item, condition: str, values: Item) -> bool:
        """Put an item where the condition holds; whether this very call did, were it sent twice on the way."""
        token = {"S": uuid4().hex}
        if self.put(item | {"token": token}, condition, values):
            return True
        there = self.get({name: item[name] for name in ("pk", "sk")})
        return there is not None and there.get("token") == token

    def query(self, partition: str, condition: str, values: Item) -> Iterator[Item]:
        """The sort keys in a partition for whose items the condition holds."""
        with self._told:
            pages = self.client.get_paginator("query").paginate(
                TableName=self.name,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                FilterExpression=condition,
                ExpressionAttributeValues=values | {":pk": {"S": partition}},
                ProjectionExpression="sk",
            )
            for page in pages:
                yield from page["Items"]

    def close(self) -> None:
        self.client.close()
