"""YAML as a person writes settings: bounded, and with every key said once.

YAML lets a few lines stand for gigabytes (an alias of aliases), nest without end, and say a key twice, of which the
last wins in silence. Settings need none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.errors import Invalid, MlforgeError

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 1 << 20
MOST_NODES = 20_000
"""Values, with those that aliases repeat."""
MOST_DEEP = 32


def read_yaml(path: Path) -> Any:
    """What a YAML file says.

    Raises:
        Invalid: It cannot be read or does not parse, is too large, nests too deep, stands for too much, or says a key
            twice; with the line.
    """
    import yaml

    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _Bounds(path).walk(node, 1)  # before anything is made of it
        return loader.construct_document(node)
    except RecursionError:
        raise _too_deep(path) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _does_not_parse(path, error) from None


def line_in(path: Path, keys: Sequence[str]) -> str | None:
    """The line of a YAML file that says the last of some keys, each inside the one before, as far as they are there."""
    import yaml

    from mlforge.plugin.where import told

    try:
        node = yaml.compose(_text(path), yaml.SafeLoader)
    except (MlforgeError, yaml.YAMLError, ValueError, RecursionError):
        return None
    found = None
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        step = next(((k, v) for k, v in pairs if k.value == key), None)
        if step is None:
            break
        found, node = step
    return None if found is None else told(str(path), found.start_mark.line + 1)


def _text(path: Path) -> str:
    if path.is_dir():
        raise Invalid(f"{path.name} is a folder, not a file.", hint="Rename it, and write the settings in a file.")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.", hint="Look at its permissions.") from error
    if len(data) > MOST_BYTES:
        raise Invalid(f"{path.name} is larger than {MOST_BYTES >> 20} MiB.", hint="Keep settings alone in it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{path.name} is no UTF-8 text: {error.reason} at byte {error.start:,}."
        raise Invalid(what, hint="Save it as UTF-8.") from None


def _does_not_parse(path: Path, error: Exception) -> Invalid:
    """What the parser says, and the line that it had reached."""
    from mlforge.plugin.where import told

    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    wrong = Invalid(f"{path.name} does not parse: {said}.", hint="Mend the YAML.")
    return wrong if mark is None else wrong.at(told(str(path), min(mark.line + 1, _last_line(path))))


def _last_line(path: Path) -> int:
    return max(len(_text(path).splitlines()), 1)


def _too_deep(path: Path) -> Invalid:
    return Invalid(f"{path.name} nests deeper than {MOST_DEEP} levels.", hint="Settings need two or three.")


class _Bounds:
    """Counts what a document stands for, as if its aliases were written out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MOST_NODES

    def walk(self, node: yaml.Node, depth: int) -> None:
        import yaml

        self._left -= 1
        if self._left < 0:
            raise Invalid(
                f"{self._path.name} stands for more than {MOST_NODES:,} values.",
                hint="Write them out instead of repeating aliases.",
            )
        if depth > MOST_DEEP:
            raise _too_deep(self._path)
        if isinstance(node, yaml.MappingNode):
            self._refuse_twins(node)
            for key, value in node.value:
                self.walk(key, depth + 1)
                self.walk(value, depth + 1)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                self.walk(value, depth + 1)

    def _refuse_twins(self, node: yaml.MappingNode) -> None:
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key.value, str) or key.tag == "tag:yaml.org,2002:merge":
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                where = f"in lines {lines[name]} and {line}" if lines[name] != line else f"in line {line}"
                raise Invalid(f"{self._path.name} says {key.value!r} twice, {where}.", hint="Keep one of them.")
            lines[name] = line
