"""What a listing shows: which versions there are, what else is in their folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mlforge.model.version import Version
from mlforge.plugin import layout
from mlforge.plugin.objects.bucket import Listed

PRUNED = ".pruned.json"
"""What is left of a removed version while newer ones are read from its data: which objects it wrote."""

WRITING = "_writing."
"""How the folder of a feature begins that an engine writes to itself; the mark of the build follows."""

CLAIM = ".receiving.json"
"""Which version is being received by this number; it goes when all of it is there."""


class Content:
    """A listing, sorted into features and versions.

    `versions` are those that have metadata, `former` those that were removed, with their `lists` of what they wrote,
    `data` the data objects of any version, `writing` those that engines wrote and no commit has copied.
    """

    def __init__(self, listed: Iterable[Listed]) -> None:
        self.versions: dict[str, set[str]] = defaultdict(set)
        self.former: dict[str, set[str]] = defaultdict(set)
        self.data: dict[str, dict[str, list[Listed]]] = defaultdict(lambda: defaultdict(list))
        self.lists: dict[str, dict[str, Listed]] = defaultdict(dict)
        self.writing: dict[str, dict[str, list[Listed]]] = defaultdict(lambda: defaultdict(list))
        for one in listed:
            self._sort(one)

    def _sort(self, one: Listed) -> None:
        name, _, below = one.key.partition("/")
        version, _, rest = below.partition("/")
        if layout.is_safe(name) and version.startswith(WRITING):
            self.writing[name][version].append(one)
        if not layout.is_safe(name) or not Version.is_valid(version):
            return
        if rest == layout.META:
            self.versions[name].add(version)
        elif rest == PRUNED:
            self.former[name].add(version)
            self.lists[name][version] = one
        else:
            self.data[name][version].append(one)

    def unknown(self, name: str) -> list[str]:
        """The numbers of a feature's folders that are no version and were none: somebody uploads there, or died."""
        return [v for v in self.data[name] if v not in self.versions[name] | self.former[name]]
