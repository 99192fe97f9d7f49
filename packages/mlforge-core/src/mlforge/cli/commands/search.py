"""`mlforge search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options, tags_option

if TYPE_CHECKING:
    from mlforge.flow.discovering.search import SearchResults


@made("search")
@click.argument("words", nargs=-1)
@tags_option
@click.option("--entity", metavar="NAME", help="Only features about this entity, or key.")
@click.option("--owner", metavar="NAME", help="Only features of this owner.")
@click.option("--column", metavar="NAME", help="Only features with a column of this name.")
@click.option("--stale", metavar="AGE", help="Only features that were built longer ago than this, such as 7d.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@project_options
@json_option
@click.pass_obj
def command(
    call: Invocation, /, words: tuple[str, ...], limit: int, profile: str | None, target: str | None, **filters: Any
) -> None:
    """Find features by what they are about, best first.

    WORDS are looked for in names, columns, descriptions, units, tags and owners; slips of the pen do not matter.
    The manifest of the profile's store is read. Definitions are read, with what was not built yet, where --target says
    which, or where no profile names a store.
    """
    from mlforge.cli.views import discovered

    found = _search(call, target, profile, query=" ".join(words), limit=limit, **filters)
    call.answer(discovered.document(found), lambda: discovered.results(found))


def _search(call: Invocation, target: str | None, profile: str | None, **asked: Any) -> SearchResults:
    from mlforge.cli.kept import store_by_profile
    from mlforge.standalone import search_features

    store = store_by_profile(profile, Path.cwd()) if target is None else None
    if store is not None:
        return search_features(store=store, **asked)
    return call.definitions(target).search_features(profile=profile, **asked)
