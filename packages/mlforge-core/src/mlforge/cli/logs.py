"""What mlforge logs, as lines on stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOG = logging.getLogger("mlforge")


class _Lines(logging.Formatter):
    """`Warning: what happened`, with the exception's last line instead of its traceback; in full while debugging."""

    def format(self, record: logging.LogRecord) -> str:
        if _LOG.isEnabledFor(logging.DEBUG):
            return super().format(record)
        text = f"{record.levelname.capitalize()}: {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        return f"{text}: {type(error).__name__}: {error}" if error else text


@contextmanager
def shown_logs() -> Iterator[None]:
    """Show warnings and worse on stderr for a while."""
    handler, level = logging.StreamHandler(), _LOG.level
    handler.setFormatter(_Lines("%(levelname)s %(name)s: %(message)s"))
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
        _LOG.setLevel(level)


def show_from(loudness: int) -> None:
    """Show errors alone where it is below zero, what is noteworthy too where it is above; while logs are shown."""
    if any(isinstance(handler.formatter, _Lines) for handler in _LOG.handlers):
        _LOG.setLevel({-1: logging.ERROR, 0: logging.NOTSET, 1: logging.INFO}[loudness])


def show_everything() -> None:
    """Show the debug log too, with tracebacks."""
    _LOG.setLevel(logging.DEBUG)
