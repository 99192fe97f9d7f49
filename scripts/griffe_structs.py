"""What the reference needs to know of our code: a struct is called with its fields, and `Example:` is code."""

from __future__ import annotations

from typing import Any

import griffe


class Structs(griffe.Extension):
    """Gives every struct the signature its fields make."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Call the section as the parser of docstrings does."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Look at the classes once all are loaded, so that those they inherit from are known."""
        for struct in _classes(pkg):
            if "__init__" not in struct.members and _is_struct(struct):
                struct.set_member("__init__", griffe.Function("__init__", parameters=_fields(struct)))


def _classes(module: griffe.Module) -> list[griffe.Class]:
    own = [m for m in module.members.values() if not m.is_alias]
    below = [c for m in own if isinstance(m, griffe.Module) for c in _classes(m)]
    return [m for m in own if isinstance(m, griffe.Class)] + below


def _is_struct(found: griffe.Class) -> bool:
    return any(str(base).endswith(("Struct", "NamedTuple")) for one in (found, *found.mro()) for base in one.bases)


def _fields(struct: griffe.Class) -> griffe.Parameters:
    found = {}
    for one in (*reversed(struct.mro()), struct):
        named = "kw_only" in one.keywords
        kind = griffe.ParameterKind.keyword_only if named else griffe.ParameterKind.positional_or_keyword
        fields = [(n, m) for n, m in one.members.items() if m.is_attribute and "instance-attribute" in m.labels]
        found |= {n: griffe.Parameter(n, annotation=m.annotation, kind=kind, default=m.value) for n, m in fields}
    return griffe.Parameters(griffe.Parameter("self"), *found.values())
