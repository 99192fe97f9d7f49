"""A validator."""

from __future__ import annotations

from mlforge.model.check import Validator
from mlforge.model.expr import it


def is_email() -> Validator:
    """Every value looks like an e-mail address: something, one @, and a domain with a dot."""
    return Validator("is_email", ~it().matches(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$"), "is_email()")
