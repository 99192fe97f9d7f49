"""What an online store must prove."""

from mlforge.testing.online.aging import AgingTests
from mlforge.testing.online.awaiting import AsyncOnlineStoreTests
from mlforge.testing.online.batching import BatchingTests
from mlforge.testing.online.damaging import DamagedOnlineStoreTests
from mlforge.testing.online.encoded import EncodedOnlineStoreTests
from mlforge.testing.online.expiring import ExpiringOnlineStoreTests
from mlforge.testing.online.failing import FailingTests
from mlforge.testing.online.keeping import KeepingTests
from mlforge.testing.online.killing import KillingTests
from mlforge.testing.online.noting import NotingTests
from mlforge.testing.online.racing import RacingTests
from mlforge.testing.online.serving import OnlineServerTests
from mlforge.testing.online.sharing import SharingTests
from mlforge.testing.online.stalling import StallingTests
from mlforge.testing.online.telling import TellingTests


class OnlineStoreTests(
    KeepingTests,
    TellingTests,
    BatchingTests,
    AgingTests,
    NotingTests,
    SharingTests,
    RacingTests,
    KillingTests,
    StallingTests,
    FailingTests,
):
    """Everything an online store must prove.

    Example:
        >>> class TestSQLite(OnlineStoreTests):
        ...     def config(self, folder):
        ...         return mlf.SQLiteOnlineStore(path=f"{folder}/online.db")
        >>> TestSQLite().config("a").path
        'a/online.db'

    One whose backend is more than files also says how it fails (`failing`). One with a server is held to
    `OnlineServerTests` too, and with them to `ExpiringOnlineStoreTests`, as is any whose entries expire; one that reads
    asynchronously to `AsyncOnlineStoreTests`, one that gives entries as they are encoded to `EncodedOnlineStoreTests`,
    one whose bytes a test can reach to `DamagedOnlineStoreTests`.
    """


__all__ = [
    "AsyncOnlineStoreTests",
    "DamagedOnlineStoreTests",
    "EncodedOnlineStoreTests",
    "ExpiringOnlineStoreTests",
    "OnlineServerTests",
    "OnlineStoreTests",
]
