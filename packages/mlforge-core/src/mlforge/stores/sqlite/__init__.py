"""The embedded online store: one file, no server."""
