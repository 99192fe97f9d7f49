"""Errors as the contract wants them: of the right class, saying what and where, with a way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlforge.errors import MlforgeError


@contextmanager
def refused(kind: type[MlforgeError], *words: object) -> Iterator[pytest.ExceptionInfo[MlforgeError]]:
    """Fail unless the block raises an error of this class whose message has all the words, and a hint."""
    with pytest.raises(kind) as caught:
        yield caught
    missing = [str(word) for word in words if str(word) not in str(caught.value)]
    assert not missing, f"{caught.value} does not say {', '.join(missing)}"
    assert caught.value.hint, f"{caught.value.message} has no hint"
