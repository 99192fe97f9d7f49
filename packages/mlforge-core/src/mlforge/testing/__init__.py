"""The conformance kit: what every plugin is held to, ours and yours.

Subclass a class of tests and say what to test:

    class TestPolars(EngineTests):
        def config(self): return PolarsEngine()

Needs pytest and Hypothesis: `pip install mlforge-core[testing]`. `MLFORGE_CASES` sets how many cases are generated for
an engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlforge.testing.engines import EngineTests
    from mlforge.testing.lowering import MetricTests, ValidatorTests
    from mlforge.testing.memory import MemoryOnlineStore, MemoryStore
    from mlforge.testing.online import (
        AsyncOnlineStoreTests,
        DamagedOnlineStoreTests,
        EncodedOnlineStoreTests,
        ExpiringOnlineStoreTests,
        OnlineServerTests,
        OnlineStoreTests,
    )
    from mlforge.testing.plugins import PluginTests
    from mlforge.testing.reference import ReferenceEngine
    from mlforge.testing.stores import PruningStoreTests, StoreTests
    from mlforge.testing.stores.objects import ObjectStoreTests

_HOMES = {
    "AsyncOnlineStoreTests": "online",
    "DamagedOnlineStoreTests": "online",
    "EncodedOnlineStoreTests": "online",
    "ExpiringOnlineStoreTests": "online",
    "EngineTests": "engines",
    "MemoryOnlineStore": "memory",
    "MemoryStore": "memory",
    "MetricTests": "lowering",
    "ObjectStoreTests": "stores.objects",
    "OnlineServerTests": "online",
    "OnlineStoreTests": "online",
    "PluginTests": "plugins",
    "ReferenceEngine": "reference",
    "PruningStoreTests": "stores",
    "StoreTests": "stores",
    "ValidatorTests": "lowering",
}
__all__ = [
    "AsyncOnlineStoreTests",
    "DamagedOnlineStoreTests",
    "EncodedOnlineStoreTests",
    "EngineTests",
    "ExpiringOnlineStoreTests",
    "MemoryOnlineStore",
    "MemoryStore",
    "MetricTests",
    "ObjectStoreTests",
    "OnlineServerTests",
    "OnlineStoreTests",
    "PluginTests",
    "PruningStoreTests",
    "ReferenceEngine",
    "StoreTests",
    "ValidatorTests",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
