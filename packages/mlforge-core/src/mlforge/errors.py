"""What can go wrong, sorted by what the caller does next.

Every error says what happened and where in `message`, and the way out in `hint`.
"""

from __future__ import annotations


class MlforgeError(Exception):
    """The base of every error mlforge raises on purpose.

    Args:
        message: What happened, and where, in one sentence.
        hint: What to do about it.

    Example:
        >>> str(MlforgeError("No feature 'user_spent'.", hint="Did you mean 'user_spend'?"))
        "No feature 'user_spent'. Did you mean 'user_spend'?"
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class NotInstalled(MlforgeError):
    """A distribution is missing: install it.

    Example:
        >>> try:
        ...     mlf.Definitions("shop", engine="pyspark").settings()
        ... except NotInstalled as error:
        ...     print(error.hint)
        Install it: pip install mlforge-spark
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
