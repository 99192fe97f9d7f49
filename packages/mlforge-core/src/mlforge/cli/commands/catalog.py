"""`mlforge catalog`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

if TYPE_CHECKING:
    from mlforge.cli.catalog.retrieval import Place
    from mlforge.flow.discovering.book import Book


@made("catalog")
@click.option("--out", type=click.Path(path_type=Path), default="site", show_default=True, help="The folder to make.")
@click.option(
    "--format", "kind", type=click.Choice(["html", "markdown"]), default="html", show_default=True,
    help="Pages for a browser, or for a repository.",
)  # fmt: skip
@click.option("--store-only", is_flag=True, help="Read no definitions: tell what the profile's store alone tells.")
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, out: Path, kind: Any, store_only: bool, profile: str | None, target: str | None) -> None:
    """Make pages about every feature, for a browser or as Markdown.

    They need neither a server nor a network. The folder is made anew where it is a catalog; nothing else is replaced.
    """
    from mlforge.cli.catalog.put import put
    from mlforge.cli.catalog.site import files
    from mlforge.cli.views.wording import number_of

    if store_only and target is not None:
        raise click.UsageError("--target reads definitions, and --store-only reads none.")
    book, place = _of_store(profile) if store_only else _of_definitions(call, target, profile)
    count = put(out, files(book, place, kind))
    start = out / ("index.html" if kind == "html" else "index.md")
    document = {"features": len(book.pages), "files": count, "start": str(start)}
    call.answer(document, lambda: click.echo(f"{number_of(len(book.pages), 'feature')} in {start}"))


def _of_definitions(call: Invocation, target: str | None, profile: str | None) -> tuple[Book, Place]:
    """What definitions and their store tell; the profile's store alone where there are no definitions."""
    from mlforge.cli.catalog.retrieval import Place, below
    from mlforge.errors import NotFound
    from mlforge.flow.discovering.book import Defined, book
    from mlforge.flow.moments import now
    from mlforge.flow.online.glance import served_versions

    try:
        project = call.definitions(target)
    except NotFound:
        if target is not None or _store(profile) is None:
            raise
        return _of_store(profile)
    settings = project.settings(profile)
    online = settings.online_store
    served = {} if online is None else served_versions(online, list(project.features))
    told = Defined(project.features, project.request_features, project.feature_sets, served)
    with settings.offline_store.open() as store:
        found = book(project.name, store, now(), told)
    return found, Place(
        below(settings.offline_store, project.root), None if online is None else below(online, project.root)
    )


def _of_store(profile: str | None) -> tuple[Book, Place]:
    """What the profile's store alone tells."""
    from mlforge.cli.catalog.retrieval import Place, below
    from mlforge.errors import NotFound
    from mlforge.flow.discovering.book import book
    from mlforge.flow.moments import now
    from mlforge.project.project import find_root

    config = _store(profile)
    if config is None:
        raise NotFound(
            "No profile names an offline store.",
            hint="Write one into mlforge.yaml: profiles: {dev: {offline_store: {KIND: local, path: feature_store}}}",
        )
    root = find_root(Path.cwd())
    with config.open() as store:
        return book(root.name, store, now()), Place(below(config, root))


def _store(profile: str | None) -> Any:
    from mlforge.cli.kept import store_by_profile

    return store_by_profile(profile, Path.cwd())
