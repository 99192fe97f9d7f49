"""What the server logs: a line an event on stderr, as text or JSON. A request that went well is counted, not logged."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec


class _Formatter(logging.Formatter):
    def parts(self, record: logging.LogRecord) -> dict[str, Any]:
        """What is said of an event."""
        error = record.exc_info[1] if record.exc_info else None
        trace = {"trace": "".join(traceback.format_exception(error))} if error else {}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "at": at, "level": record.levelname.lower(), "process": record.process, "message": record.getMessage(),
        } | trace  # fmt: skip


class _Text(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = self.parts(record)
        line = "{at} {level:7} [{process}] {message}".format(**said)
        one_line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        return f"{one_line}\n{said['trace'].rstrip()}" if "trace" in said else one_line


class _JSON(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(self.parts(record)).decode()


def set_up_logs(log_format: Literal["text", "json"], debug: bool = False) -> None:
    """Send what mlforge and the server below it log to stderr, and nothing twice."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JSON() if log_format == "json" else _Text())
    for name, level in (("mlforge", logging.INFO), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [handler], False
        log.setLevel(logging.DEBUG if debug else level)
