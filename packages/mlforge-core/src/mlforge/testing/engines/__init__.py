"""What an engine must prove, topic by topic."""

from mlforge.testing.engines.aggregating import AggregateTests
from mlforge.testing.engines.applying import ApplyTests
from mlforge.testing.engines.checking import CheckTests
from mlforge.testing.engines.choosing import WhereTests
from mlforge.testing.engines.comparing import CompareTests
from mlforge.testing.engines.conforming import ConformTests
from mlforge.testing.engines.deriving import DeriveTests
from mlforge.testing.engines.ending import EndTests
from mlforge.testing.engines.expressing import ExpressionTests
from mlforge.testing.engines.failing import FailingTests, OpeningTests, ReadingTests
from mlforge.testing.engines.filing import FileTests
from mlforge.testing.engines.foldering import FolderTests
from mlforge.testing.engines.framing import FrameTests
from mlforge.testing.engines.joining import AsofTests
from mlforge.testing.engines.keying import KeyTests
from mlforge.testing.engines.layering import LayerTests
from mlforge.testing.engines.locating import LocalTimeTests
from mlforge.testing.engines.meaning import MeaningTests
from mlforge.testing.engines.measuring import MeasureTests
from mlforge.testing.engines.naming import NameTests
from mlforge.testing.engines.narrowing import NarrowTests
from mlforge.testing.engines.publishing import LatestTests
from mlforge.testing.engines.settling import SettleTests
from mlforge.testing.engines.sourcing import ArrowTests, CSVTests
from mlforge.testing.engines.storing import StorageTests
from mlforge.testing.engines.summing import SumTests
from mlforge.testing.engines.typing import TypeTests
from mlforge.testing.engines.years import YearTests


class EngineTests(
    FrameTests,
    NameTests,
    StorageTests,
    CSVTests,
    FileTests,
    FolderTests,
    ArrowTests,
    ApplyTests,
    KeyTests,
    ConformTests,
    LocalTimeTests,
    ExpressionTests,
    DeriveTests,
    CheckTests,
    CompareTests,
    MeasureTests,
    WhereTests,
    SettleTests,
    AggregateTests,
    SumTests,
    EndTests,
    YearTests,
    TypeTests,
    MeaningTests,
    AsofTests,
    LatestTests,
    NarrowTests,
    LayerTests,
    ReadingTests,
    FailingTests,
    OpeningTests,
):
    """Everything an engine must prove.

    Example:
        >>> class TestPolars(EngineTests):
        ...     def config(self):
        ...         return mlf.PolarsEngine()
        >>> TestPolars().config().kind
        'polars'
    """


__all__ = ["EngineTests"]
