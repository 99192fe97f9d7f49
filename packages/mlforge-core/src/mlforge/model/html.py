"""HTML for notebooks and for the catalog: whatever is put into it is text, and nothing that a browser obeys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import TypeVar

from mlforge.model.visible import visible

T = TypeVar("T")


class Markup(str):
    """Text that is HTML already.

    Example:
        >>> Markup("<b>").join(["a", "b"])
        'a<b>b'
    """

    __slots__ = ()


def html(template: str, *values: object) -> Markup:
    """A template with values in its places, each as the text that it is; `Markup` stays what it is.

    Example:
        >>> print(html("<td title='{}'>{}</td>", "a'b", "<script>"), html("{}", html("<b>{}</b>", 1)))
        <td title='a&#x27;b'>&lt;script&gt;</td> <b>1</b>
    """
    return Markup(_places(template) % _safe(values))


def repeated(template: str, rows: Iterable[Iterable[object]], between: str = "") -> Markup:
    """A template for each row of values, one after the other: the same as `html` of each, in less time.

    Example:
        >>> repeated("<td>{}", [["a"], ["<b>"]])
        '<td>a<td>&lt;b&gt;'
    """
    places = _places(template)
    return Markup(between.join([places % _safe(row) for row in rows]))


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts that are HTML already, one after the other.

    Example:
        >>> joined([html("<i>{}</i>", "a"), html("<i>{}</i>", "b")], ", ")
        '<i>a</i>, <i>b</i>'
    """
    return Markup(between.join(parts))


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", note: str | None = None) -> str:
    """A table of texts, in a style that fits light and dark notebooks.

    Example:
        >>> "<script>" in table(("name",), [("<script>",)])
        False
    """
    head = joined(html("<th scope='col' style='text-align:left'>{}</th>", h) for h in header) if any(header) else ""
    body = joined(html("<tr>{}</tr>", joined(_cell(v) for v in row)) for row in rows)
    title = html("<div style='font-weight:600'>{}</div>", caption) if caption else ""
    text = html("<div style='opacity:.75'>{}</div>", note) if note else ""
    return f"<div>{title}{text}<table>{f'<tr>{head}</tr>' if head else ''}{body}</table></div>"


def _cell(value: object) -> Markup:
    return html("<td style='text-align:left'>{}</td>", value)


def _safe(values: Iterable[object]) -> tuple[str, ...]:
    return tuple([escaped(v) if type(v) is str else v if type(v) is Markup else escaped(str(v)) for v in values])


@lru_cache(maxsize=1024)
def _places(template: str) -> str:
    """A template for `%`, which takes less time than `format`."""
    return template.replace("%", "%%").replace("{}", "%s")


@lru_cache(maxsize=65_536)
def escaped(text: str) -> str:
    """A text as HTML that shows it, for a template that is a string of Python itself.

    Example:
        >>> f"<td>{escaped('<b>')}"
        '<td>&lt;b&gt;'
    """
    return escape(visible(text))


class Listing(list[T]):
    """A list that a notebook shows as a table.

    Example:
        >>> "<td" in Listing(["a"], ("name",), lambda name: (name,))._repr_html_()
        True
    """

    def __init__(self, items: Iterable[T], heads: Sequence[str], row: Callable[[T], Sequence[object]]) -> None:
        super().__init__(items)
        self._heads, self._row = heads, row

    def _repr_html_(self) -> str:
        return table(self._heads, [self._row(item) for item in self])
