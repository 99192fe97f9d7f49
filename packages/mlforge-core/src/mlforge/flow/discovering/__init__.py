"""Knowing what there is: search, and the catalog."""
