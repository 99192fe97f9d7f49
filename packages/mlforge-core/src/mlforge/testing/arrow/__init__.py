"""Arrow streams in plain Python, so that the kit hands engines every kind of column without needing a library.

It speaks the Arrow C stream interface through ctypes: `Export` gives rows out, `read` takes them in.
"""

from mlforge.testing.arrow.export import Export
from mlforge.testing.arrow.read import read

__all__ = ["Export", "read"]
