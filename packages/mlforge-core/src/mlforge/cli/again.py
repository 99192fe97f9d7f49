"""Commands in hints, as they have to be typed where the call named a profile or where the definitions are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click

NAMED = ("--profile", "--target")
TAKE_BOTH = (
    "build", "catalog", "diff", "drift", "explain", "inspect", "list", "lock", "manifest", "plan", "profile", "publish",
    "quality", "replay", "rollback", "search", "serve", "store gc", "store verify", "ui", "unpublish", "validate",
    "versions",
)  # fmt: skip
"""The commands that take both."""
_COMMAND = re.compile(rf"\bmlforge (?:{'|'.join(TAKE_BOTH)})(?![\w-])(?![^`.;\n]* --(?:profile|target)\b)")


def options_in(words: Sequence[str]) -> str:
    """Those of `--profile` and `--target` that a call has, each after a space.

    Example:
        >>> options_in(["build", "--profile=prod", "--target", "my shop.py", "--force"])
        " --profile prod --target 'my shop.py'"
    """
    return "".join(f" {option} {shlex.quote(value)}" for option, value in _given(list(words)))


def again(text: str, options: str | None = None) -> str:
    """A text with such options at its commands; those of the call that is being answered, if None.

    Example:
        >>> again("Build it: mlforge build --features spend", " --profile prod")
        'Build it: mlforge build --profile prod --features spend'
    """
    if options is None:
        context = click.get_current_context(silent=True)
        options = getattr(context.find_root().obj, "named", "") if context else ""
    return _COMMAND.sub(lambda found: f"{found[0]}{options}", text) if options else text


def _given(words: list[str]) -> Iterator[tuple[str, str]]:
    if "--" in words:
        words = words[: words.index("--")]
    for option in NAMED:
        for place, word in enumerate(words):
            if word == option and place + 1 < len(words):
                yield option, words[place + 1]
            elif word.startswith(f"{option}="):
                yield option, word.partition("=")[2]
