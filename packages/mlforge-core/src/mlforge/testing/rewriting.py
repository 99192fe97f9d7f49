"""What pytest loads where the kit is installed: a test of the kit that fails shows the values it compared.

pytest rewrites the assertions of test files alone, unless a module says so before it is imported. Nothing of mlforge
imports this one.
"""

from __future__ import annotations

from pkgutil import iter_modules

import pytest

from mlforge import testing

pytest.register_assert_rewrite(
    *(f"{testing.__name__}.{module.name}" for module in iter_modules(testing.__path__) if module.name != "rewriting")
)
