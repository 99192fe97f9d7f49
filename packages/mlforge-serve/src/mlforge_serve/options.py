"""What options of several commands have in common."""

from __future__ import annotations

import ipaddress

import click


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names: a,b or repeated. Raises `BadParameter` where none is left."""
    found = tuple(dict.fromkeys(w.strip() for v in value for w in v.split(",") if w.strip()))
    if value and not found:
        raise click.BadParameter("It is empty: name at least one, or leave the option out.", ctx, param)
    return found


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
