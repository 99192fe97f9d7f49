"""The version of this distribution."""

__version__ = "0.9.0"
