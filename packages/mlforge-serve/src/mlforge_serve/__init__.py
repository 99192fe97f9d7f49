"""Serve features over HTTP: `mlforge serve`."""
