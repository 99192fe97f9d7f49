"""The observer: each event of mlforge as one of OpenLineage, sent by its own client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import msgspec
from openlineage.client import OpenLineageClient, set_producer
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated import error_message_run, job_type_job, processing_engine_run
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from requests import RequestException

from mlforge.errors import PluginFailed
from mlforge.model.address import masked, without_secrets
from mlforge.plugin import (
    BuildBegun,
    BuildEnded,
    BuildFailed,
    Event,
    Failed,
    PublishBegun,
    PublishEnded,
    PublishFailed,
    TrainingBegun,
    TrainingEnded,
    TrainingFailed,
)
from mlforge_openlineage import datasets
from mlforge_openlineage.__about__ import __version__

if TYPE_CHECKING:
    from mlforge_openlineage.plugin import OpenLineageObserver

PRODUCER = f"https://pypi.org/project/mlforge-openlineage/{__version__}"
RETRIES = {"total": 2, "read": 2, "connect": 2, "backoff_factor": 0.2, "status_forcelist": [502, 503, 504],
           "allowed_methods": ["POST"]}  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """What an event of mlforge is to OpenLineage: the job, how its run stands, what it reads and writes."""

    job: str
    kind: str
    state: RunState
    inputs: tuple[InputDataset, ...] = ()
    outputs: tuple[OutputDataset, ...] = ()


class LiveOpenLineage:
    """Sends events, one after the other."""

    def __init__(self, config: OpenLineageObserver) -> None:
        self.config = config
        self._sources: dict[str, InputDataset] = {}

    def __enter__(self) -> Self:
        set_producer(PRODUCER)
        self._client = client(self.config)
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def observe(self, event: Event) -> None:
        """Send an event; one that is not known here is passed over."""
        told = self._told(event)
        if told is None:
            return
        try:
            self._client.emit(run_event(event, told, self.config.namespace))
        except RequestException as error:
            url = self.config.url or os.environ.get("OPENLINEAGE_URL", "")
            said = without_secrets(f"{type(error).__name__}: {error}", url)
            raise PluginFailed(f"{said}.", hint="See whether the receiver is there, and what it logs.") from None

    def _told(self, event: Event) -> Told | None:
        match event:
            case BuildBegun() | BuildEnded() | BuildFailed():
                return self._build(event)
            case PublishBegun() | PublishEnded() | PublishFailed():
                return self._publish(event)
            case TrainingBegun() | TrainingEnded() | TrainingFailed():
                return self._training(event)
            case _:
                return None

    def _build(self, event: BuildBegun | BuildEnded | BuildFailed) -> Told:
        space, job = self.config.namespace, _called(event, event.feature)
        if isinstance(event, BuildBegun):
            self._sources[event.run] = begun = datasets.source(event.path, event.source, space)
            return Told(job, "BUILD", RunState.START, (begun,))
        known = self._sources.pop(event.run, None)
        if isinstance(event, BuildFailed):
            return Told(job, "BUILD", RunState.FAIL, (known,) if known else ())
        lineage = event.meta.lineage
        read = datasets.source(lineage.path, lineage.source, space, lineage) if lineage else known
        written = (datasets.version(event.meta, job, space),) if event.status == "built" else ()
        return Told(job, "BUILD", RunState.COMPLETE, (read,) if read else (), written)

    def _publish(self, event: PublishBegun | PublishEnded | PublishFailed) -> Told:
        space, feature = self.config.namespace, _called(event, event.feature)
        number = None if isinstance(event, PublishFailed) else event.version
        read = (datasets.used(feature, number, None, space),)
        if isinstance(event, PublishEnded):
            served = datasets.served(f"{feature}.{event.online_store}", number, event.entities, space)
            return Told(f"{feature}.publish", "PUBLISH", RunState.COMPLETE, read, (served,))
        state = RunState.START if isinstance(event, PublishBegun) else RunState.FAIL
        return Told(f"{feature}.publish", "PUBLISH", state, read)

    def _training(self, event: TrainingBegun | TrainingEnded | TrainingFailed) -> Told:
        job, space = _called(event, "training"), self.config.namespace
        if isinstance(event, TrainingEnded):
            read = tuple(
                datasets.used(_called(event, one.name), one.version, one.columns, space) for one in event.versions
            )
            return Told(job, "TRAINING", RunState.COMPLETE, read)
        state = RunState.START if isinstance(event, TrainingBegun) else RunState.FAIL
        return Told(job, "TRAINING", state)


def run_event(event: Event, told: Told, namespace: str) -> RunEvent:
    """An event of OpenLineage."""
    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=__version__, name="mlforge", openlineageAdapterVersion=__version__
        )
    }
    if isinstance(event, Failed):
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=f"{event.error}: {event.message}", programmingLanguage="Python"
        )
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="MLFORGE", jobType=told.kind)
    return RunEvent(
        eventType=told.state, eventTime=event.at, run=Run(runId=event.run, facets=facets),
        job=Job(namespace=namespace, name=told.job, facets={"jobType": kind}), producer=PRODUCER,
        inputs=list(told.inputs), outputs=list(told.outputs),
    )  # fmt: skip


def client(config: OpenLineageObserver) -> OpenLineageClient:
    """A client of the receiver that is named, or as its own documentation says where none is.

    Raises:
        PluginFailed: An address that is none.
    """
    if config.url is None:
        return OpenLineageClient()
    auth = ApiKeyTokenProvider({"apiKey": config.api_key}) if config.api_key else TokenProvider({})
    try:
        wanted = HttpConfig(
            url=config.url, endpoint=config.endpoint, timeout=config.timeout, retry=dict(RETRIES), auth=auth
        )
        return OpenLineageClient(transport=HttpTransport(wanted))
    except (ValueError, RuntimeError) as error:
        said = without_secrets(str(error), config.url)
        raise PluginFailed(
            f"{masked(config.url)!r} is no receiver: {said}", hint='Such as "http://marquez:5000".'
        ) from None


def _called(event: Event, name: str) -> str:
    """A name below its project's, where it has one."""
    return f"{event.project}.{name}" if event.project else name
