"""Versions: which there are, what differs between two, which number comes next, and what a definition is told by."""
