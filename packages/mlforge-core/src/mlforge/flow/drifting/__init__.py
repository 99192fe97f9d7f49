"""Drifting: whether the values of two samples of a feature are still of one distribution."""
