"""The page of documentation: plain HTML, made once from the description; it loads nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from mlforge_serve.openapi import document
from mlforge_serve.problems import CODES
from mlforge_serve.settings import ServerSettings

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1d2129; }
pre { background: #f4f5f7; padding: .8rem; overflow-x: auto; border-radius: 4px; }
code { font: 14px/1.4 ui-monospace, monospace; }
h2 { border-top: 1px solid #d9dce1; padding-top: 1rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem 1rem .1rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { background: #16181d; color: #e4e6ea; } pre { background: #22252c; } h2 { border-color: #3a3f48; }
}
"""
_EXAMPLES = {
    "/features/online": {"features": ["user_spend"], "entity": {"user_id": 1}},
    "/features/batch": {"features": ["user_spend"], "entities": [{"user_id": 1}, {"user_id": 2}]},
}


def page(settings: ServerSettings) -> str:
    """The page."""
    found = document(settings)
    parts = [part for path, methods in found["paths"].items() for part in _route(path, methods, settings)]
    codes = "".join(f"<tr><td>{status}</td><td><code>{code}</code></td></tr>" for code, status in CODES.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(settings.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(settings.title)}</h1><p>{escape(found['info']['description'])} The same, for programs: "
        '<a href="openapi.json">openapi.json</a>. Answers are JSON, or MessagePack for '
        f"<code>Accept: application/msgpack</code>.</p>{''.join(parts)}"
        "<h2>Errors</h2><p>Every error is <code>application/problem+json</code> with a code, what went wrong and a "
        f"hint.</p><table><tr><th>status</th><th>code</th></tr>{codes}</table></html>"
    )


def _route(path: str, methods: dict[str, Any], settings: ServerSettings) -> Iterator[str]:
    for method, operation in methods.items():
        yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>"
        yield f"<pre><code>{escape(_curl(path, settings))}</code></pre>"


def _curl(path: str, settings: ServerSettings) -> str:
    words = ["curl", f"{settings.url}{path}"]
    if settings.key_file is not None and path not in ("/health", "/ready"):
        words.append('-H "Authorization: Bearer $MLFORGE_KEY"')
    if body := _EXAMPLES.get(path):
        words += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n     ".join([" ".join(words[:2]), *words[2:]])
