"""The validator means the same on every engine."""

from mlforge.model.check import Validator
from mlforge.testing import ValidatorTests
from toy_plugin.validators import is_email


class TestIsEmail(ValidatorTests):
    dtype = "String"
    kept = ("ada@lovelace.org", "é@exämple.co.uk", None)
    broken = ("", "ada", "ada@", "@lovelace.org", "ada@org", "a b@c.de", "a@b@c.de", "ada@lovelace.org\n")

    def validator(self) -> Validator:
        return is_email()
