"""What a plugin says it cannot do is expected to fail, strictly: a lack that is made good must be struck out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlforge.plugin import Lack


def expect_lacks(request: pytest.FixtureRequest, lacks: Mapping[str, Lack]) -> None:
    """Mark the running test as one that must fail, where the plugin lacks what it tests."""
    for ability in abilities(request):
        if ability in lacks:
            lack = lacks[ability]
            reason = f"{lack.word}: {lack.reason}"
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


def abilities(request: pytest.FixtureRequest) -> list[str]:
    """The words a test goes by: its name without `test_`, its parameters, and the name with each: `name[parameter]`.

    A parameter that has a name goes by that.
    """
    name = str(getattr(request.node, "originalname", request.node.name)).removeprefix("test_")
    callspec = getattr(request.node, "callspec", None)
    parameters = [str(getattr(p, "name", p)) for p in callspec.params.values()] if callspec else []
    return [name, *parameters, *(f"{name}[{parameter}]" for parameter in parameters)]
