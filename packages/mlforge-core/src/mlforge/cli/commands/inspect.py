"""`mlforge inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

if TYPE_CHECKING:
    from mlforge.definitions import Definitions

KINDS = ("feature", "set", "entity", "source")


@made("inspect")
@click.argument(
    "words", nargs=-1, required=True, metavar="[feature|set|entity|source] NAME", shell_complete=completing.anything
)
@click.option(
    "--version",
    metavar="X.Y.Z",
    shell_complete=completing.versions,
    help="This version of a feature instead of the latest.",
)
@click.option("--lineage", is_flag=True, help="Where the columns of a feature come from, and who uses them.")
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context, words: tuple[str, ...], version: str | None, lineage: bool, profile: str | None,
    target: str | None,
) -> None:  # fmt: skip
    """Show all there is to know about a feature, a set, an entity or a source.

    `inspect NAME` finds whichever has that name.
    """
    call = ctx.ensure_object(Invocation)
    asked, name = _read(ctx, words)
    definitions = call.definitions(target, profile)
    kind = asked or _kind_of(definitions, name, profile)
    if version and kind != "feature":
        raise click.UsageError(f"--version is for features; {name!r} is {_an(kind)}.", ctx)
    if lineage:
        _lineage(ctx, definitions, kind, name, version, profile)
    elif kind == "feature":
        _feature(call, definitions, name, version, profile)
    elif kind == "set":
        _set(call, definitions, name, profile)
    elif kind == "entity":
        _entity(call, definitions, name)
    else:
        _source(call, definitions, name)


def _read(ctx: click.Context, words: tuple[str, ...]) -> tuple[str | None, str]:
    *kinds, name = words
    if len(kinds) > 1:
        raise click.UsageError(f"One name at a time: got {len(words)} words.", ctx)
    if kinds and kinds[0] not in KINDS:
        raise click.UsageError(f"{kinds[0]!r} is neither feature, set, entity nor source.", ctx)
    return (kinds[0] if kinds else None), name


def _kind_of(definitions: Definitions, name: str, profile: str | None) -> str:
    """Whichever has the name; a feature that is kept but defined no more is one too."""
    from mlforge.errors import Invalid, Unknown, nearest

    features, entities, sources = definitions.features, definitions.entities(), definitions.sources()
    sets = definitions.feature_sets
    known = {
        "feature": [*features, *definitions.request_features], "set": list(sets),
        "entity": list(entities), "source": list(sources),
    }  # fmt: skip
    kinds = [kind for kind, names in known.items() if name in names]
    if len(kinds) > 1:
        ways = " or ".join(f"`mlforge inspect {k} {name}`" for k in kinds)
        raise Invalid(f"{name!r} is {' and '.join(map(_an, kinds))}.", hint=f"Say which: {ways}")
    if not kinds and not definitions.list_versions(name, profile):
        everything = dict.fromkeys(n for names in known.values() for n in names)
        raise Unknown(f"There is no feature, set, entity or source {name!r}.", hint=nearest(name, everything))
    return kinds[0] if kinds else "feature"


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _feature(call: Invocation, definitions: Definitions, name: str, version: str | None, profile: str | None) -> None:
    from mlforge.cli.views import documents, inspected

    if name in definitions.request_features:
        if version:
            raise click.UsageError(f"{name!r} is computed when it is asked for, and has no versions.")
        request = definitions.request_feature(name)
        document = {"kind": "request feature", **documents.request(request)}
        call.answer(document, lambda: inspected.request(request))
        return
    latest = definitions.latest(name, profile)
    is_built = version or latest or definitions.list_versions(name, profile)
    meta = definitions.metadata(name, version, profile) if is_built else None
    defined = definitions.features.get(name) if meta else definitions.feature(name)

    def shown() -> None:
        if defined:
            inspected.definition(defined)
        if meta:
            inspected.stored(meta, latest)
        elif defined:
            inspected.unbuilt(defined)

    document = {
        "kind": "feature", "name": name, "defined": documents.feature(defined) if defined else None,
        "latest": latest, "built": meta,
    }  # fmt: skip
    call.answer(document, shown)


def _lineage(
    ctx: click.Context, definitions: Definitions, kind: str, name: str, version: str | None, profile: str | None
) -> None:
    from mlforge.cli.views import traced

    call = ctx.ensure_object(Invocation)
    if kind == "feature":
        found = definitions.lineage(name, version, profile)
        call.answer(traced.document(found), lambda: traced.feature(found))
    elif kind == "set":
        members = [definitions.lineage(one, profile=profile) for one in definitions.feature_set(name).names]
        document = {"kind": "set lineage", "name": name, "features": [traced.document(one) for one in members]}
        call.answer(document, lambda: traced.members(name, members))
    else:
        raise click.UsageError(f"--lineage is for features and sets; {name!r} is {_an(kind)}.", ctx)


def _set(call: Invocation, definitions: Definitions, name: str, profile: str | None) -> None:
    from mlforge.cli.views import documents, inspected

    found = documents.feature_set(definitions.feature_set(name))
    latest = {one["name"]: definitions.latest(one["name"], profile) for one in found["features"]}
    computed = definitions.request_features
    built = [{**one, "latest": latest[one["name"]], "computed": one["name"] in computed} for one in found["features"]]
    document = {"kind": "set", **found, "features": built}
    call.answer(document, lambda: inspected.feature_set(document))


def _entity(call: Invocation, definitions: Definitions, name: str) -> None:
    from mlforge.cli.views import documents, inspected

    found = documents.entity(definitions.entity(name), definitions.list_features())
    call.answer({"kind": "entity", **found}, lambda: inspected.entity(found))


def _source(call: Invocation, definitions: Definitions, name: str) -> None:
    from mlforge.cli.views import documents, inspected

    found = documents.source(definitions.source(name), definitions.list_features())
    call.answer({"kind": "source", **found}, lambda: inspected.source(found))
