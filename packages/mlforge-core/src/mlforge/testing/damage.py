"""Ways in which bytes that are kept turn into others."""

from __future__ import annotations

from collections.abc import Callable

Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "cut": lambda data: data[:-1],
    "empty": lambda _: b"",
    "longer": lambda data: data + b"\0",
    "shifted": lambda data: data[1:] + data[:1],
    "zeros": lambda data: bytes(len(data)),
}
