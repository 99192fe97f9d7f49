"""What every page of the site has around its content."""

from __future__ import annotations

from functools import lru_cache

from mlforge.cli.catalog.links import KINDS
from mlforge.model.html import Markup, html, repeated

_POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; form-action 'none'; base-uri 'none'"
LIVE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'"
)
"""What the pages of a live catalog may do: beside what those of files may, ask their own server what has changed."""
_FRAME = """<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta name=color-scheme content="light dark">
<meta name=referrer content=no-referrer>
<meta http-equiv=Content-Security-Policy content="{}">
<title>{}</title>
<link rel=stylesheet href={}assets/catalog.css>
<script defer src={}assets/catalog.js></script>{}
<body data-root="{}"{}>
<a class=skip href=#main>Skip to the content</a>
<header>
<a class=home href={}index.html>{}</a>
<nav aria-label=Catalog>{}</nav>
</header>
{}<main id=main>
{}
</main>
<footer>As of {}. Made by mlforge.</footer>
"""


def page(
    title: str, content: Markup, *, project: str, made: str, root: str = "", here: str = "", live: str | None = None
) -> str:  # fmt: skip
    """A whole page; `root` leads from it to the catalog's own folder. Of a live one, `live` says as of which change."""
    whole = title if title == project else f"{title} – {project}"
    return html(
        _FRAME, Markup(LIVE_POLICY if live else _POLICY), whole, root, root,
        html("\n<script defer src={}assets/live.js></script>", root) if live else Markup(), root,
        html(' data-since="{}"', live) if live else Markup(), root, project, _links(root, here, live=bool(live)),
        Markup("<p id=live role=status></p>\n") if live else Markup(), content, made,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _links(root: str, here: str, *, live: bool) -> Markup:
    lists = ("activity", *KINDS) if live else KINDS
    entries = [("index", "features"), *((kind, kind) for kind in lists)]
    current = Markup(" aria-current=page")
    return repeated(
        "<a href={}{}.html{}>{}</a>",
        ((root, file, current if file == here else "", word.capitalize()) for file, word in entries),
    )
