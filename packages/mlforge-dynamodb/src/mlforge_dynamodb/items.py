"""Entries and notes as a table keeps them.

An entity is an item: `pk` is the feature and the first digit of the entity's key, so that a feature is spread over
sixteen places and listed without looking at others; `sk` is the key; `body` the encoded entry; `as_of` what it is
compared by; `expires` the second after which it is forgotten; `gone` stands on tombstones; `crc` is a checksum of what
stands beside the body and of the body's own.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from mlforge.errors import Invalid
from mlforge.plugin import Address, Entry, decode_entry, encode_entry
from mlforge_dynamodb.client import EXPIRES

Item = dict[str, dict[str, Any]]
LARGEST = 400 * 1024
SHARDS = "0123456789abcdef"
_OVERHEAD = 100


def place_of(address: Address) -> Item:
    """Where an entity stands."""
    return {"pk": {"S": shard(address.feature, address.key[:1])}, "sk": {"S": address.key}}


def note_of(feature: str) -> Item:
    """Where a feature's note stands."""
    return {"pk": {"S": shard(feature, "note")}, "sk": {"S": "note"}}


def shard(feature: str, start: str) -> str:
    """The place of the entities of a feature whose keys start so."""
    return f"{feature}:{start}"


def item_of(entry: Entry, expires: int | None) -> Item:
    """An entry to be kept. Raises `Invalid` for one that is too large."""
    data = encode_entry(entry)
    refuse_large(data, entry.feature, f"the entity {entry.key!r}")
    item = place_of(entry.address) | {"body": {"B": data}, "as_of": {"N": str(entry.as_of)}}
    if expires is not None:
        item[EXPIRES] = {"N": str(expires)}
    if not entry.points:
        item["gone"] = {"BOOL": True}
    return item | {"crc": {"S": _checksum(item)}}


def _checksum(item: Item) -> str:
    """A checksum of what decides about an entry, and of the last bytes of its body, which are those of its own."""
    beside = [item.get("as_of", {}).get("N"), item.get(EXPIRES, {}).get("N"), "gone" in item]
    return f"{crc32(repr(beside).encode(), crc32(_body(item)[-4:])):08x}"


def _body(item: Item) -> bytes:
    body: bytes = item.get("body", {}).get("B", b"")
    return body


def refuse_large(data: bytes, feature: str, what: str) -> None:
    """Raise `Invalid` for what does not fit in an item."""
    if len(data) + len(feature) + _OVERHEAD > LARGEST:
        raise Invalid(
            f"What is to be kept of {feature!r} for {what} has {len(data):,} bytes; an item of DynamoDB has at most "
            f"{LARGEST:,}.",
            hint="Give the feature fewer columns or a shorter online_horizon, or choose another online store.",
        )


def entry_of(item: Item, now: float) -> Entry | None:
    """The entry that an item keeps; None for a tombstone, a damaged one, and what has expired and is still there."""
    is_whole = item.get("crc", {}).get("S") == _checksum(item)
    if is_whole and EXPIRES in item and int(item[EXPIRES]["N"]) <= now:
        return None
    feature = item["pk"]["S"].rpartition(":")[0]
    entry = decode_entry(_body(item) if is_whole else b"", feature, item["sk"]["S"])  # no bytes are damaged ones
    return entry if entry and entry.points else None
