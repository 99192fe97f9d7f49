"""Datasets and their facets: what a source, a feature's version and what is served are to OpenLineage."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.generated import (
    column_lineage_dataset,
    data_quality_metrics_dataset,
    dataset_version_dataset,
    documentation_dataset,
    output_statistics_output_dataset,
    ownership_dataset,
    schema_dataset,
    tags_dataset,
)

from mlforge.model.lineage import ColumnLineage, Lineage, Read
from mlforge.model.meta import FeatureMeta
from mlforge.model.quality import ColumnQuality

Facets = dict[str, Any]
_DIRECT = {"metric": "AGGREGATION"}
_INDIRECT = {"condition": "CONDITIONAL", "filter": "FILTER", "key": "GROUP_BY", "time": "WINDOW", "order": "SORT"}
_SCHEMES = {"postgresql": "postgres", "gs": "gs", "s3": "s3"}
_PORTS = {"postgresql": 5432}


def source_name(path: str, name: str, namespace: str) -> tuple[str, str]:
    """The namespace and the name of a source, as OpenLineage names what has an address.

    A table of a database is called by the database and the source's name; what has no address by its own name in
    `namespace`.

    Example:
        >>> source_name("s3://lake/events/*.parquet", "events", "mlforge")
        ('s3://lake', 'events/*.parquet')
        >>> source_name("postgresql://me:***@db/shop", "events", "mlforge")
        ('postgres://db:5432', 'shop.events')
        >>> source_name("data/events.csv", "events", "mlforge"), source_name("frame://events", "events", "mlforge")
        (('file', 'data/events.csv'), ('mlforge', 'frame://events'))
    """
    if "://" not in path:
        return "file", path
    found = urlsplit(path)
    scheme = _SCHEMES.get(found.scheme, found.scheme)
    if found.scheme in ("s3", "gs"):
        return f"{scheme}://{found.netloc}", path.partition("://")[2].partition("/")[2]
    if found.scheme == "frame" or not found.hostname:
        return namespace, path
    port = found.port or _PORTS.get(found.scheme)
    place = f"{scheme}://{found.hostname}{f':{port}' if port else ''}"
    return place, ".".join(filter(None, (found.path.strip("/").replace("/", "."), name)))


def source(path: str, name: str, namespace: str, lineage: Lineage | None = None) -> InputDataset:
    """A source, with the columns that something is told to read."""
    place, called = source_name(path, name, namespace)
    read = dict.fromkeys(r.column for c in (lineage.returned if lineage else ()) for r in c.reads)
    fields = [schema_dataset.SchemaDatasetFacetFields(name=column) for column in read]
    facets: Facets = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)} if fields else {}
    return InputDataset(namespace=place, name=called, facets=facets)


def version(meta: FeatureMeta, called: str, namespace: str) -> OutputDataset:
    """A version that was built: its columns and where each comes from, its figures, and what is said of it."""
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=meta.row_count, size=sum(part.bytes for part in meta.parts), fileCount=len(meta.parts)
    )
    facets = {**_described(meta), **_versioned(meta.version), **_lineage(meta, namespace), **_figures(meta)}
    return OutputDataset(namespace=namespace, name=called, facets=facets, outputFacets={"outputStatistics": statistics})


def used(called: str, number: str | None, columns: Iterable[str] | None, namespace: str) -> InputDataset:
    """A version that was read, and the columns that were."""
    fields = [schema_dataset.SchemaDatasetFacetFields(name=column) for column in columns or ()]
    facets: Facets = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)} if fields else {}
    return InputDataset(namespace=namespace, name=called, facets={**facets, **(_versioned(number) if number else {})})


def served(called: str, number: str | None, entities: int, namespace: str) -> OutputDataset:
    """What an online store serves of a feature."""
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=entities)
    return OutputDataset(
        namespace=namespace, name=called, facets=_versioned(number) if number else {},
        outputFacets={"outputStatistics": statistics},
    )  # fmt: skip


def _versioned(number: str) -> Facets:
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=number)}


def _described(meta: FeatureMeta) -> Facets:
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name=c.name, type=c.dtype, description=c.description)
        for c in (*meta.columns, *meta.derived)
    ]
    facets: Facets = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
    if meta.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(description=meta.description)
    if meta.owner:
        facets["ownership"] = ownership_dataset.OwnershipDatasetFacet(owners=[ownership_dataset.Owner(name=meta.owner)])
    if meta.tags:
        tags = [tags_dataset.TagsDatasetFacetFields(key=tag, value="true", source="MLFORGE") for tag in meta.tags]
        facets["tags"] = tags_dataset.TagsDatasetFacet(tags=tags)
    return facets


def _lineage(meta: FeatureMeta, namespace: str) -> Facets:
    lineage = meta.lineage
    if lineage is None:
        return {}
    place = source_name(lineage.path, lineage.source, namespace)
    fields = {column.name: _column(column, lineage, place) for column in lineage.columns}
    rows = [_input(end, "", place) for read in lineage.rows for end in lineage.ends(read) if end.place == "source"]
    facet = column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields, dataset=rows)
    return {"columnLineage": facet}


def _column(column: ColumnLineage, lineage: Lineage, place: tuple[str, str]) -> Any:
    """The source's columns that one comes from; of what is not told nothing is claimed but that it is not."""
    ends = lineage.origins(column.name)
    inputs = [_input(end, column.made, place) for end in ends if end.place == "source"]
    untold = [end.column for end in ends if end.place == "function"]
    said = f"{lineage.function}() makes {', '.join(untold)}: of what is not told" if untold else None
    return column_lineage_dataset.Fields(inputFields=inputs, transformationDescription=said)


def _input(read: Read, made: str, place: tuple[str, str]) -> Any:
    namespace, name = place
    if read.use in _INDIRECT:
        how = column_lineage_dataset.Transformation(type="INDIRECT", subtype=_INDIRECT[read.use])
    else:
        subtype = _DIRECT.get(made, "TRANSFORMATION")
        how = column_lineage_dataset.Transformation(
            type="DIRECT", subtype=subtype, description="by the column's name", masking=made == "surrogate key"
        )
    return column_lineage_dataset.InputField(namespace=namespace, name=name, field=read.column, transformations=[how])


def _figures(meta: FeatureMeta) -> Facets:
    if meta.quality is None:
        return {}
    columns = {column.name: _measured(column) for column in meta.quality.columns}
    facet = data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
        columnMetrics=columns, rowCount=meta.row_count, lastUpdated=meta.created_at
    )
    return {"dataQualityMetrics": facet}


def _measured(column: ColumnQuality) -> Any:
    return data_quality_metrics_dataset.ColumnMetrics(
        nullCount=column.nulls, count=column.count, distinctCount=column.distinct, min=_number(column.min),
        max=_number(column.max), quantiles=None,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    """A least or greatest value that is a number; OpenLineage has no word for those of texts and times."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
