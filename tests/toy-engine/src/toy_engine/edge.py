"""Where pyarrow's exceptions become mlforge's."""

from __future__ import annotations

import pyarrow as pa

from mlforge.plugin.engine.edge import Edge

edge = Edge((pa.ArrowException, OverflowError))
