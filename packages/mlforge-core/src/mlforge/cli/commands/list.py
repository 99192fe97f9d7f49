"""`mlforge list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options, schedule_option, tags_option

if TYPE_CHECKING:
    from mlforge.definitions import Definitions

KINDS = ("features", "sets", "entities", "sources", "versions", "tags")


@made("list")
@click.argument("what", type=click.Choice(KINDS), default="features")
@click.argument("name", required=False, shell_complete=completing.feature)
@tags_option
@schedule_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    what: str,
    name: str | None,
    tags: list[str] | None,
    schedule: list[str] | None,
    profile: str | None,
    target: str | None,
) -> None:
    """List features, sets, entities, sources, versions or tags.

    `mlforge list` alone lists the features; `list versions NAME` the versions of one.
    """
    if (tags or schedule) and what != "features":
        raise click.UsageError(f"--tags and --schedule choose features, not {what}.", ctx)
    if name is not None and what != "versions":
        raise click.UsageError(f"Got an unexpected name {name!r}: only versions are listed of one feature.", ctx)
    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target, profile)
    if what == "features":
        _features(call, definitions, tags, schedule)
    elif what == "versions":
        _versions(call, definitions, name, profile)
    else:
        _others(call, definitions, what)


def _features(call: Invocation, definitions: Definitions, tags: list[str] | None, schedule: list[str] | None) -> None:
    from mlforge.cli.views import documents, listed

    found = definitions.list_features(tags, schedule)
    requests = [] if schedule else definitions.list_request_features()
    requests = [f for f in requests if not tags or {*tags} & {*f.tags}]

    def shown() -> None:
        listed.features(found)
        listed.requests(requests)

    document = {
        "features": [documents.feature(f) for f in found],
        "request_features": [documents.request(f) for f in requests],
    }
    call.answer(document, shown)


def _versions(call: Invocation, definitions: Definitions, name: str | None, profile: str | None) -> None:
    from mlforge.cli.commands.versions import answer
    from mlforge.cli.views import listed

    if name is not None:
        answer(call, definitions, name, profile)
        return
    there = definitions.all_versions(profile)
    found = [{"feature": n, "latest": one.latest, "versions": list(one.versions)} for n, one in there.items()]
    call.answer({"features": found}, lambda: listed.all_versions(found))


def _others(call: Invocation, definitions: Definitions, what: str) -> None:
    from mlforge.cli.views import documents, listed

    features = definitions.list_features()
    if what == "sets":
        sets = [documents.feature_set(s) for s in definitions.list_feature_sets()]
        call.answer({"sets": sets}, lambda: listed.sets(sets))
    elif what == "entities":
        entities = [documents.entity(e, features) for e in definitions.list_entities()]
        call.answer({"entities": entities}, lambda: listed.entities(entities))
    elif what == "sources":
        sources = [documents.source(s, features) for s in definitions.list_sources()]
        call.answer({"sources": sources}, lambda: listed.sources(sources))
    else:
        tags = documents.tags(features)
        call.answer({"tags": tags}, lambda: listed.tags(tags))
