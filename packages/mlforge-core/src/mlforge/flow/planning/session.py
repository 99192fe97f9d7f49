"""A run over several features: what is opened once."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Self

from mlforge.flow.moments import Clock
from mlforge.flow.observing import Audience
from mlforge.flow.progress import Tell
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.stores import Store
from mlforge.project.project import Project, Settings


class Session:
    """One run over several features: live engines and the store, opened once and closed at the end.

    Args:
        project: Where the features and their sources are.
        settings: What it works with.
        forced: The engine to use, whatever the features say.
        clock: The present.
        tell: Whom to tell how far it is.
        audience: Who looks on.
    """

    def __init__(
        self, project: Project, settings: Settings, forced: EngineConfig | None, clock: Clock, tell: Tell
    ) -> None:
        self.project = project
        self.settings = settings
        self.forced = forced
        self.clock = clock
        self.tell = tell
        self.audience = Audience(project.name, settings.observers, clock)
        self._open = ExitStack()
        self._engines: dict[EngineConfig, Engine] = {}

    def __enter__(self) -> Self:
        self._open.enter_context(self.audience)
        self.store: Store = self._open.enter_context(self.settings.offline_store.open())
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def engine(self, config: EngineConfig) -> Engine:
        if config not in self._engines:
            self._engines[config] = self._open.enter_context(config.open())
        return self._engines[config]
