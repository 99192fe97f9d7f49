"""The door: what a plugin announces, what it must do, and how it is found.

A plugin imports this package, `mlforge.model` and `mlforge.errors`, and nothing else of mlforge.
"""

from mlforge.plugin.arrow import ArrowStream
from mlforge.plugin.codec import Encoding, decode_entry, encode_entry, entry_as_of
from mlforge.plugin.config import Config, EngineConfig, OnlineStoreConfig, Secret, StoreConfig
from mlforge.plugin.damage import damaged_entries
from mlforge.plugin.descriptors import (
    API_VERSION,
    SUPPORTED_API,
    Command,
    EngineDescriptor,
    Lack,
    MetricDescriptor,
    OnlineStoreDescriptor,
    SourceDescriptor,
    StoreDescriptor,
    ValidatorDescriptor,
)
from mlforge.plugin.engine.frames import Conformed, Extent, Frame, Join, Scan
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.hookspecs import hookimpl
from mlforge.plugin.intact import verify, verify_files
from mlforge.plugin.online_stores import (
    Address,
    Asked,
    AsyncReading,
    EncodedReading,
    Entry,
    Expiring,
    Listing,
    OnlineStore,
    Point,
)
from mlforge.plugin.sources import Asking, Found, Narrow, Objects, Rows
from mlforge.plugin.stores import (
    CollectingStore,
    FetchingStore,
    Leftover,
    ManifestStore,
    PointersStore,
    Pruned,
    PruningStore,
    ReceivingStore,
    SendingStore,
    Store,
    UploadingStore,
    Verify,
    VerifyingStore,
)

__all__ = [
    "API_VERSION",
    "SUPPORTED_API",
    "Address",
    "ArrowStream",
    "Asked",
    "Asking",
    "AsyncReading",
    "CollectingStore",
    "Command",
    "Config",
    "Conformed",
    "EncodedReading",
    "Encoding",
    "Engine",
    "EngineConfig",
    "EngineDescriptor",
    "Entry",
    "Expiring",
    "Extent",
    "FetchingStore",
    "Found",
    "Frame",
    "Join",
    "Lack",
    "Leftover",
    "Listing",
    "ManifestStore",
    "MetricDescriptor",
    "Narrow",
    "Objects",
    "OnlineStore",
    "OnlineStoreConfig",
    "OnlineStoreDescriptor",
    "Point",
    "PointersStore",
    "Pruned",
    "PruningStore",
    "ReceivingStore",
    "Rows",
    "Scan",
    "Secret",
    "SendingStore",
    "SourceDescriptor",
    "Store",
    "StoreConfig",
    "StoreDescriptor",
    "UploadingStore",
    "ValidatorDescriptor",
    "Verify",
    "VerifyingStore",
    "damaged_entries",
    "decode_entry",
    "encode_entry",
    "entry_as_of",
    "hookimpl",
    "verify",
    "verify_files",
]
