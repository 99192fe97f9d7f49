"""Who looks on: an observer is told what happens, and can neither change nor hurt it."""

from __future__ import annotations

from typing import Protocol, Self

from mlforge.plugin.config import Config
from mlforge.plugin.events import Event
from mlforge.plugin.live import Live


class ObserverConfig(Config, frozen=True, kw_only=True):
    """The settings of an observer.

    Args:
        patience: How many seconds a build, a publish or a retrieval waits for it at its end; what it has not taken by
            then is left to it, and lost where the process ends before.

    Example:
        >>> class Counting(ObserverConfig, frozen=True, kw_only=True, tag="counting"):
        ...     every: int = 1
        >>> Counting(patience=1).patience, Counting().kind
        (1, 'counting')
    """

    patience: float = 5.0

    def here(self) -> Self:
        """The same settings with what only the thread of the work knows, such as a run that is active there.

        Called there before the work begins, which it holds up for as long as it takes: nothing that waits, no file, no
        network, no lock and no import of what is large belongs here. It cannot be stopped; when it has taken a second
        a warning names it. All else happens in a thread of its own.
        """
        return self


class Observer(Live, Protocol):
    """Is told what happens. Made from its config and used in a `with`, all in a thread of its own.

    What it raises is logged as a warning. It is told of every event in order, one after the other. An event that it
    does not know, of a later mlforge, is to be passed over.

    Example:
        >>> class Printing:
        ...     def __init__(self, config): ...
        ...     def __enter__(self):
        ...         return self
        ...
        ...     def __exit__(self, *error): ...
        ...     def observe(self, event):
        ...         print(type(event).__name__)
        >>> with Printing(ObserverConfig) as observer:
        ...     observer.observe(BuildBegun(run="…", at="…", feature="f", source="s", path="p"))
        BuildBegun
    """

    def observe(self, event: Event) -> None:
        """Take note of an event."""


def attend(config: ObserverConfig) -> None:
    """Let an observer look on at all that this process does from now on, whatever project it is of.

    One of the same kind that looks on already is replaced.

    Example:
        >>> class Counting(ObserverConfig, frozen=True, kw_only=True, tag="counting"):
        ...     target = "nowhere:Counter"
        >>> attend(Counting())
        >>> leave("counting"), leave("counting")
        (True, False)
    """
    from mlforge.plugin.registry import registry  # looks for all plugins, which who only has a config need not

    registry().attending[config.kind] = config


def leave(kind: str) -> bool:
    """Let an observer look on no more that `attend` let. Whether there was one.

    Example:
        >>> leave("nobody")
        False
    """
    from mlforge.plugin.registry import registry

    return registry().attending.pop(kind, None) is not None
