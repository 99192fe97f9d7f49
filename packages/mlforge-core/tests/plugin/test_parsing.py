"""Text is parsed one by one as every engine parses it."""

from datetime import UTC, datetime

import pytest

from mlforge.plugin.engine.parsing import instant_of
from mlforge.plugin.engine.times import Formatted, detected
from mlforge.testing.cases import TextCase, text_cases


def has_a_form(case: TextCase) -> bool:
    """Whether there is a format, or a first text whose form can be detected."""
    return bool(case.format) or (case.texts[0] is not None and case.bad_row != 0)


@pytest.mark.parametrize("case", list(filter(has_a_form, text_cases())), ids=lambda c: c.name)
def test_texts_mean_what_was_worked_out_by_hand(case: TextCase) -> None:
    form = Formatted(case.format) if case.format else detected("at", 0, str(case.texts[0]))
    found = [None if text is None else instant_of(text, form) for text in case.texts]
    if case.bad_row is None:
        assert found == list(case.times)
    else:
        assert found[case.bad_row] is None


@pytest.mark.parametrize(
    ("text", "pattern", "meant"),
    [
        ("Thu 29 Feb 2024", "%a %d %b %Y", "2024-02-29"),
        ("Fri 29 Feb 2024", "%a %d %b %Y", None),
        ("2024 366", "%Y %j", "2024-12-31"),
        ("2023 366", "%Y %j", None),
        ("2024-W09-4", "%G-W%V-%u", "2024-02-29"),
        ("2023-W53-1", "%G-W%V-%u", None),
        ("0 2024-03-03", "%w %F", "2024-03-03"),
        ("7 2024-03-03", "%w %F", None),
        ("2024-03-01 12 am", "%F %I %p", "2024-03-01"),
        ("2024-03-01 13 pm", "%F %I %p", None),
        ("2024-03-01 01:30+0130", "%F %H:%M%z", "2024-03-01"),
        ("1709251200", "%s", "2024-03-01"),
    ],
)  # fmt: skip
def test_every_directive_is_read(text: str, pattern: str, meant: str | None) -> None:
    expected = None if meant is None else datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert instant_of(text, Formatted(pattern)) == expected
