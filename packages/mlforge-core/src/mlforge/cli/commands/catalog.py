"""`mlforge catalog`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

if TYPE_CHECKING:
    from mlforge.cli.catalog.shown import Shown
    from mlforge.flow.discovering.book import Outline
    from mlforge.plugin.stores import Store


SELDOM = 200_000
"""After how many new objects garbage is looked for. By itself Python does so several times a page."""


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
    from mlforge.cli.catalog.shown import shown
    from mlforge.cli.catalog.site import files
    from mlforge.model.text import number_of

    if store_only and target is not None:
        raise click.UsageError("--target reads definitions, and --store-only reads none.")
    found = shown(call.definitions, target, profile, store_only=store_only)
    with found.store.open() as store:
        outline = _outline(found, store)
        with _seldom_collected():
            count = put(out, files(outline.book, found.place, kind, outline.pages(store)))
    start, features = out / ("index.html" if kind == "html" else "index.md"), len(outline.book.pages)
    document = {"features": features, "files": count, "start": str(start)}
    call.answer(document, lambda: click.echo(f"{number_of(features, 'feature')} in {start}"))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Nothing that pages are made of refers to itself: looking for such garbage finds next to none, and takes time."""
    was = gc.get_threshold()
    gc.set_threshold(SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*was)


def _outline(found: Shown, store: Store) -> Outline:
    from mlforge.flow.discovering.book import outline
    from mlforge.flow.moments import now
    from mlforge.flow.online.glance import served_versions

    served = {}
    if found.online is not None:
        served = served_versions(found.online, list(found.told.features) or store.names())
    return outline(found.name, store, now(), msgspec.structs.replace(found.told, served=served))
