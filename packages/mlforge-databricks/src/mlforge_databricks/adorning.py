"""What people see of a feature's table in the catalog: comments, tags, its primary key. None of it decides anything."""

from __future__ import annotations

import logging

from mlforge.model.meta import FeatureMeta
from mlforge_databricks import sql
from mlforge_databricks.address import Table
from mlforge_databricks.failures import Refused
from mlforge_databricks.statements import Statements

_log = logging.getLogger("mlforge.databricks")


def adorn(statements: Statements, table: Table, meta: FeatureMeta) -> None:
    """Describe a table that was committed. What the platform has not, or does not allow, is logged."""
    for statement in adornments(table, meta):
        try:
            statements.rows(statement)
        except Refused as error:
            _log.info("%s is not described: %s", table.shown, error.message)


def adornments(table: Table, meta: FeatureMeta) -> list[str]:
    """The statements that describe a table."""
    alter = f"ALTER TABLE {table.quoted}"
    told = [f"{sql.name(c.name)} COMMENT {sql.text(c.description)}" for c in meta.columns if c.description]
    keys = [sql.name(key) for key in meta.entity_keys]
    stamp = [sql.name(meta.timestamp)] if meta.timestamp else []
    needed = ", ".join(f"{column} SET NOT NULL" for column in (*keys, *stamp))
    whole = ", ".join((*keys, *(f"{column} TIMESERIES" for column in stamp)))
    tags = {"mlforge_feature": meta.name, "mlforge_version": meta.version, **dict.fromkeys(meta.tags, "")}
    if meta.owner:
        tags["owner"] = meta.owner
    return [
        *([f"{alter} ALTER COLUMN {', '.join(told)}"] if told else []),
        f"{alter} SET TAGS ({', '.join(f'{sql.text(key)} = {sql.text(value)}' for key, value in tags.items())})",
        f"{alter} ALTER COLUMN {needed}",
        f"{alter} ADD CONSTRAINT {sql.name(f'{table.name}_key')} PRIMARY KEY ({whole})",
    ]
