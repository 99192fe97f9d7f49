"""What an offline store must prove."""

from mlforge.testing.stores.collecting import CollectTests
from mlforge.testing.stores.committing import CommitTests
from mlforge.testing.stores.crashing import CrashTests
from mlforge.testing.stores.damaging import DamageTests
from mlforge.testing.stores.failing import FailingTests
from mlforge.testing.stores.growing import GrowTests, PruningStoreTests
from mlforge.testing.stores.looking import LookupTests
from mlforge.testing.stores.machine import MachineTests
from mlforge.testing.stores.manifests import ManifestTests
from mlforge.testing.stores.racing import RacingTests
from mlforge.testing.stores.receiving import ReceiveTests
from mlforge.testing.stores.sharing import SharingTests


class StoreTests(
    CollectTests,
    CommitTests,
    GrowTests,
    LookupTests,
    ReceiveTests,
    RacingTests,
    SharingTests,
    FailingTests,
    CrashTests,
    DamageTests,
    MachineTests,
    ManifestTests,
):
    """Everything an offline store must prove.

    Example:
        >>> class TestLocalStore(StoreTests):
        ...     def config(self, folder):
        ...         return mlf.LocalStore(path=str(folder))
        >>> TestLocalStore().config("a").path
        'a'

    A store whose addresses are not files also says how a test writes to one (`fill`), reads a version (`contents`),
    changes its bytes (`damage`), how what it does can die (`crash`), how its backend fails (`broken`) and where what it
    keeps can be damaged (`rewrite_metadata`, `rewrite_pointer`). One that removes old versions subclasses
    `PruningStoreTests` as well.
    """


__all__ = ["PruningStoreTests", "StoreTests"]
