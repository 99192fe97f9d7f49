"""What can go wrong, sorted by what the caller does next.

Every error says what happened in `message` and the way out in `hint`; `where` is the user's own line, where one had
part in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self


class MlforgeError(Exception):
    """The base of every error mlforge raises on purpose.

    Args:
        message: What happened, and where, in one sentence.
        hint: What to do about it.

    Example:
        >>> error = MlforgeError("No feature 'user_spent'.", hint="Did you mean 'user_spend'?")
        >>> str(error)
        "No feature 'user_spent'. Did you mean 'user_spend'?"
        >>> print(error.at("train.py, line 7: user_spent"))
        No feature 'user_spent'. Did you mean 'user_spend'?
          train.py, line 7: user_spent
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint
        self.where: str | None = None

    def at(self, where: str | None) -> Self:
        """This error, with the user's line that had part in it."""
        self.where = self.where or where
        return self

    def __str__(self) -> str:
        text = f"{self.message} {self.hint}" if self.hint else self.message
        return f"{text}\n  {self.where}" if self.where else text


class NotInstalled(MlforgeError):
    """A distribution is missing: install it.

    Example:
        >>> from mlforge.plugin.registry import Registry
        >>> try:
        ...     Registry([]).get(EngineDescriptor, "duckdb")  # where nothing is installed but the core
        ... except NotInstalled as error:
        ...     print(error.hint)
        Install it: pip install mlforge-duckdb
    """


class Unknown(MlforgeError):
    """A name that nothing answers to: correct it.

    Example:
        >>> try:
        ...     defs.feature("user_spent")
        ... except Unknown as error:
        ...     print(error)
        There is no feature 'user_spent'. Did you mean 'user_spend'?
    """


class Unsupported(MlforgeError):
    """A pairing that cannot work: choose another engine, store or format.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     try:
        ...         store.begin("user_spend", "xlsx")
        ...     except Unsupported as error:
        ...         print(error.message)
        The local store keeps no 'xlsx' files.
    """


class Invalid(MlforgeError):
    """A definition, an argument or the data is wrong: mend it.

    Example:
        >>> try:
        ...     mlf.Source("")
        ... except Invalid as error:
        ...     print(error)
        A Source needs a path. Source("data/events.parquet")
    """


class CheckFailed(MlforgeError):
    """The data broke a validator: look at the data. `results` holds one entry a check.

    Example:
        >>> @mlf.feature(
        ...     source="data/purchases.csv", keys="user_id", validators={"amount": mlf.validators.less_than(100)}
        ... )
        ... def cheap(df):
        ...     return df
        >>> failure = mlf.Definitions("shop", [cheap]).build().failed[0].failure
        >>> print(failure.kind, failure.message)
        CheckFailed amount: less_than(100) fails for ... rows (...), such as ...
    """

    def __init__(self, message: str, hint: str | None = None, results: tuple[object, ...] = ()) -> None:
        super().__init__(message, hint)
        self.results = results


class NotFound(MlforgeError):
    """Something that should be stored is not there: build it, or look elsewhere.

    Example:
        >>> try:
        ...     defs.metadata("user_spend", "9.0.0")
        ... except NotFound as error:
        ...     print(error.message)
        'user_spend' has no version '9.0.0'.
    """


class Conflict(MlforgeError):
    """Somebody else got there first, or two things claim one name: decide which.

    Example:
        >>> failure = defs.build("user_spend", version="1.0.0").failed[0].failure
        >>> failure.kind, failure.message
        ('Conflict', "'user_spend' has a version 1.0.0 already.")
    """


class PluginFailed(MlforgeError):
    """A plugin, or what it talks to, broke: see the cause.

    Example:
        >>> from mlforge.plugin.config import load
        >>> try:
        ...     load("nowhere:Engine", "the nowhere plugin")
        ... except PluginFailed as error:
        ...     print(error.message)
        'nowhere:Engine' of the nowhere plugin cannot be imported: No module named 'nowhere'.
    """


def close_to(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: the same but for case, spelled nearly so, or one that begins so.

    Example:
        >>> close_to("sum", ["Max", "Sum"]), close_to("user_spent", ["user_spend"]), close_to("x", ["user_spend"])
        ('Sum', 'user_spend', None)
        >>> close_to("max", ["min_value", "max_value"])
        'max_value'
    """
    import difflib

    folded, wanted = {k.casefold(): k for k in known}, name.casefold()
    begun = [k for k in folded if len(wanted) >= 3 and k.startswith(wanted)]
    close = difflib.get_close_matches(wanted, folded, 1) or begun[:1]
    return folded[close[0]] if close else None


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the closest of the known names, or all of them.

    Example:
        >>> nearest("user_spent", ["user_spend", "logins"]), nearest("x", ["user_spend", "logins"])
        ("Did you mean 'user_spend'?", 'Known: user_spend, logins.')
    """
    names = list(known)
    close = close_to(name, names)
    more = ", …" if len(names) > 20 else "."
    return f"Did you mean {close!r}?" if close else f"Known: {', '.join(names[:20]) or 'none'}{more}"
