"""Following a function to all that decides what it does, and writing it down in one order."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from functools import cached_property, partial, partialmethod
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, resolve_name
from inspect import getattr_static
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from mlforge.flow.versions.logic.syntax import Chain, Import, imports, normalised, outer_names, spelled
from mlforge.flow.versions.logic.text import Node, node_of
from mlforge.flow.versions.logic.values import SCALARS, UNTOLD, parts_of
from mlforge.model.feature import Feature
from mlforge.plugin.origin import is_projects_class, is_projects_function, is_projects_module, module_of

MOST_VALUES = 1_000_000
DEEPEST = 100
_BLIND = {"eval", "exec", "globals"}
"""Builtins through which anything may be read."""
_HOLDERS: tuple[Callable[[Any], object], ...] = (dict, list, tuple, set, frozenset, str, int, float, bytes)
_FIXED = {
    *("_abc_impl", "_is_protocol", "_is_runtime_protocol", "__slots__", "__dataclass_fields__"),
    *("__annotate__", "__annotate_func__"),  # as Python 3.14 keeps annotations
}
_WRAPPERS = (partial, partialmethod, cached_property, property, staticmethod, classmethod, MethodType)


class Walk:
    """One walk: what was found goes into a hash, what cannot be told into words.

    A function or class is written out the first time it is met and is a number from then on, so cycles end. They wait
    in a line for their turn, so long chains of calls need no deep stack.
    """

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.lost = False
        self._hash = hashlib.sha256()
        self._line: deque[FunctionType | type] = deque()
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []  # an id is one object's only while it lives
        self._open: list[int] = []
        self._values = 0
        self._where: list[str] = []

    def digest(self, function: Callable[..., Any]) -> str:
        """128 bits over all that the function comes to."""
        self._where = [getattr(function, "__name__", "the function")]
        self._visit(function)
        while self._line:
            found = self._line.popleft()
            self._write("turn")
            self._where = [found.__qualname__.replace("<locals>.", "")]
            if isinstance(found, type):
                self._class(found)
            else:
                self._function(found)
        return self._hash.hexdigest()[:32]

    def _write(self, *words: str | bytes) -> None:
        for word in words:
            data = word.encode("utf-8", "surrogatepass") if isinstance(word, str) else word
            self._hash.update(b"%d:" % len(data))
            self._hash.update(data)

    def _cannot(self, what: str) -> None:
        self.unknown.append(f"{'.'.join(self._where)}, {what}")
        self._write("unknown", what)

    def _met(self, found: FunctionType | type) -> None:
        if id(found) not in self._numbers:
            self._numbers[id(found)] = len(self._numbers)
            self._kept.append(found)
            self._line.append(found)
        self._write("met", str(self._numbers[id(found)]))

    def _under(self, name: str, value: object) -> None:
        self._where.append(name)
        self._visit(value)
        self._where.pop()

    def _visit(self, value: object) -> None:
        self._values += 1
        if self._values > MOST_VALUES or len(self._open) > DEEPEST:
            if self._values <= MOST_VALUES + 1 or len(self._open) > DEEPEST:
                self._cannot("which holds too much to be told")
            return
        if type(value) in SCALARS:
            words, _ = parts_of(value)
            self._write(*words)
            return
        if id(value) in self._open:
            self._write("again", str(len(self._open) - self._open.index(id(value))))
            return
        self._open.append(id(value))
        try:
            self._any(value)
        finally:
            self._open.pop()

    def _any(self, value: object) -> None:
        told = self._code(value)
        if told:
            return
        found = parts_of(value)
        if found is not UNTOLD:
            words, parts = found
            self._write(*words)
            self._write(str(len(parts)))
            for part in parts:
                self._visit(part)
        elif is_projects_class(type(value)) and _is_plain_class(type(value)):
            self._instance(value)
        else:
            self._cannot(_article(type(value)))

    def _code(self, value: object) -> bool:
        """Functions, classes, modules, and what is made of them; whether it was any."""
        if isinstance(value, Feature):
            self._visit(value.function)
        elif isinstance(value, FunctionType):
            self._callable(value)
        elif isinstance(value, type):
            self._type(value)
        elif isinstance(value, ModuleType):
            self._module(value)
        elif isinstance(value, BuiltinMethodType) or _is_slot(value):
            self._builtin(value)
        elif (name := _name_elsewhere(value)) is not None:
            self._write("function", *name)
        elif isinstance(value, _WRAPPERS):
            self._wrapper(value)
        elif callable(getattr(type(value), "__get__", None)) and callable(getattr(value, "__wrapped__", None)):
            self._write("wrapper")
            self._visit(value.__wrapped__)  # type: ignore[attr-defined]
        else:
            return False
        return True

    def _type(self, cls: type) -> None:
        if is_projects_class(cls):
            self._met(cls)
        else:
            self._write("class", module_of(cls), cls.__qualname__)

    def _module(self, module: ModuleType) -> None:
        if is_projects_module(module):
            self._cannot("a module, of which anything may be read")
        else:
            self._write("module", module.__name__)

    def _wrapper(self, value: Any) -> None:
        self._write(type(value).__name__)
        if isinstance(value, partial | partialmethod):
            parts: tuple[object, ...] = (value.func, value.args, value.keywords)
        elif isinstance(value, property):
            parts = (value.fget, value.fset)
        elif isinstance(value, cached_property):
            parts = (value.func,)
        elif isinstance(value, MethodType):
            parts = (value.__func__, value.__self__)
        else:
            parts = (value.__func__,)
        for part in parts:
            self._visit(part)

    def _builtin(self, value: Any) -> None:
        holder = getattr(value, "__self__", None)
        self._write("builtin", value.__qualname__)
        if holder is not None and not isinstance(holder, ModuleType):
            self._visit(holder)

    def _callable(self, function: FunctionType) -> None:
        if is_projects_function(function):
            self._met(function)
        elif _is_named(function):
            self._write("function", function.__module__, function.__qualname__)
        else:  # made by somebody else's decorator or factory: what it wraps is followed
            self._write("made by", function.__code__.co_qualname)
            registry = getattr(function, "registry", None)
            if registry is not None and hasattr(function, "dispatch"):
                self._visit(dict(registry))
                return
            inner = getattr(function, "__wrapped__", None)
            self._visit(inner)
            for name, cell in _cells(function):
                if cell is not inner and cell is not function:
                    self._under(name, cell)
            self._visit(function.__defaults__)
            self._visit(function.__kwdefaults__)

    def _function(self, function: FunctionType) -> None:
        self._write("function")
        self._visit(function.__defaults__)
        self._visit(function.__kwdefaults__)
        node = node_of(function.__code__, function.__globals__)
        if node is None:
            self.lost = True
            self._cannot("whose text is not to be had")
            return
        imported, text, names = _read(node)
        self._write(text)
        outer = _imported(imported, function.__globals__) | dict(_cells(function))
        for name, chains in names.items():
            if name not in outer and _is_notebooks(function.__globals__.get(name)):
                continue
            if name in outer or name in function.__globals__:
                root = outer[name] if name in outer else function.__globals__[name]
                self._chains(name, root, chains)
            elif name in _BLIND:
                self._cannot(f"which calls {name}(), and so may read anything")

    def _chains(self, name: str, root: object, chains: list[Chain]) -> None:
        for chain in chains:
            names, value = _follow(name, root, chain)
            self._write("name", ".".join(names))
            self._under(".".join(names), value)

    def _class(self, cls: type) -> None:
        from enum import Enum

        self._write("class", cls.__qualname__)
        for above in (type(cls), *cls.__bases__):
            self._visit(above)
        if issubclass(cls, Enum):
            self._visit({name: member.value for name, member in cls.__members__.items()})
        for name, value in _defined(cls):
            self._write(name)
            self._under(name, value)

    def _instance(self, value: object) -> None:
        self._write("instance")
        self._met(type(value))
        state = dict(getattr(value, "__dict__", {}))
        slots = [s for c in type(value).__mro__ for s in _slots(c) if hasattr(value, s)]
        state |= {s: getattr(value, s) for s in slots}
        for name in sorted(state):
            self._write(name)
            self._under(name, state[name])
        for kind in _HOLDERS:
            if isinstance(value, cast("type", kind)):
                self._visit(kind(value))


def _read(node: Node) -> Reading:
    key = id(node)
    if key not in _READ:
        bare = normalised(node)
        _READ[key] = (node, (list(imports(bare)), "".join(spelled(bare)), outer_names(bare)))
        while len(_READ) > 4096:
            _READ.pop(next(iter(_READ)))
    return _READ[key][1]


Reading = tuple[list[Import], str, dict[str, list[Chain]]]
_READ: dict[int, tuple[Node, Reading]] = {}


def _cells(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not set yet
            yield name, None


def _follow(name: str, value: Any, chain: Chain) -> tuple[list[str], object]:
    """As far as attributes are those of modules and classes of the project: `settings.Rates.CHF`."""
    names = [name]
    for attribute in chain:
        if isinstance(value, ModuleType) and is_projects_module(value):
            found = vars(value).get(attribute, sys.modules.get(f"{value.__name__}.{attribute}", UNTOLD))
        elif isinstance(value, type) and is_projects_class(value):
            found = getattr_static(value, attribute, UNTOLD)
            if isinstance(found, staticmethod):
                found = found.__func__
            elif isinstance(found, FunctionType | classmethod | property) or hasattr(type(found), "__get__"):
                members = getattr(value, "__members__", {})
                found = members.get(attribute, UNTOLD)
        elif isinstance(value, FunctionType) and is_projects_function(value):
            found = vars(value).get(attribute, UNTOLD)
        else:
            break
        if found is UNTOLD:
            break
        names.append(attribute)
        value = found
    return names, value


def _imported(imports: list[Import], space: dict[str, Any]) -> dict[str, object]:
    """What the function's own import statements bind, where it is the project's."""
    found: dict[str, object] = {}
    for bound, level, name, item in imports:
        try:
            whole = resolve_name("." * level + name, space.get("__package__")) if level else name
            spec = sys.modules.get(whole) or find_spec(whole)
            if spec is None or (module := _loaded(whole)) is None:
                continue
            if item is None:
                found[bound] = module
            elif hasattr(module, item):
                found[bound] = getattr(module, item)
            elif submodule := _loaded(f"{whole}.{item}"):
                found[bound] = submodule
        except Exception:  # noqa: BLE001, S112 - what cannot be imported says so when the function runs
            continue
    found.pop("", None)
    return found


def _loaded(name: str) -> ModuleType | None:
    """The module, imported here if it is the project's: what it holds is what the function will read."""
    if name in sys.modules:
        return sys.modules[name]
    from mlforge.plugin.origin import is_projects_file

    spec = find_spec(name)
    origin = getattr(spec, "origin", None)
    if origin is None or origin in ("built-in", "frozen") or not is_projects_file(origin):
        return None
    return importlib.import_module(name)


def _defined(cls: type) -> list[tuple[str, object]]:
    """What a class's own lines define, without what machinery adds."""
    members = set(getattr(cls, "__members__", ())) | set(getattr(cls, "_fields", ()))
    members |= set(getattr(cls, "__dataclass_fields__", ()))
    out: list[tuple[str, object]] = []
    for name, value in sorted(vars(cls).items()):
        if name in members or name in _FIXED or _is_slot(value) or _is_generated(cls, name, value):
            continue
        dunder = name.startswith("__") and name.endswith("__")
        if isinstance(value, FunctionType | classmethod | staticmethod | property) or not dunder:
            out.append((name, value))
    fields = getattr(cls, "__dataclass_fields__", {})
    out += [(n, (*_given(f.default), *_given(f.default_factory), f.init, f.kw_only is True)) for n, f in fields.items()]
    structs = getattr(cls, "__struct_fields__", ())
    return [*out, ("fields", (structs, getattr(cls, "__struct_defaults__", ())))] if structs else out


def _given(default: object) -> tuple[object, ...]:
    return () if default is MISSING else (default,)


def _is_generated(cls: type, name: str, value: object) -> bool:
    """Whether machinery wrote a method: `dataclass`, `NamedTuple`, `Enum`."""
    function = getattr(value, "__func__", value)
    if name.startswith("_") and not name.startswith("__") and hasattr(cls, "__members__"):
        return not isinstance(function, FunctionType) or not is_projects_function(function)
    if not isinstance(function, FunctionType):
        return False
    code: CodeType = function.__code__
    if not is_projects_function(function):
        return True
    return code.co_filename == "<string>" and not code.co_qualname.endswith(f"{cls.__name__}.{name}")


def _is_plain_class(cls: type) -> bool:
    """Whether its instances are what their attributes are: nothing below it is written in C or somebody else's."""
    plain = {"builtins", "abc", "typing", "collections.abc"}
    return all(is_projects_class(c) or c.__module__ in plain for c in cls.__mro__)


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(n for n in names if n not in ("__dict__", "__weakref__"))


def _is_named(function: FunctionType) -> bool:
    """Whether a function of somebody else is found under its own name, and so known by it."""
    found: object = sys.modules.get(function.__module__ or "")
    if found is None or is_projects_module(found):  # type: ignore[arg-type]
        return False
    for name in function.__qualname__.split("."):
        found = getattr_static(found, name, None)
    return getattr(found, "__func__", found) is function


def _name_elsewhere(value: Any) -> tuple[str, str] | None:
    """Module and name of a callable of somebody else that is no function of Python's: `numpy.log1p`, `polars.col`."""
    if not callable(value):
        return None
    for place in (getattr(value, "__module__", None), module_of(type(value))):
        module = sys.modules.get(place) if isinstance(place, str) else None
        if module is not None and not is_projects_module(module):
            own = getattr(value, "__name__", None)
            names = [name for name, held in vars(module).items() if held is value]
            if names:
                return module.__name__, own if isinstance(own, str) and own in names else min(names)
    return _name_in_extension(value)


def _name_in_extension(value: Any) -> tuple[str, str] | None:
    """Module and name of a callable that does not say where it is from and was compiled: `scipy.special.expit`."""
    own = getattr(value, "__name__", None)
    if not isinstance(own, str):
        return None
    modules = (m for m in list(sys.modules.values()) if getattr(m, "__dict__", {}).get(own) is value)
    names = [m.__name__ for m in modules if _is_extension(m) and not is_projects_module(m)]
    return (min(names), own) if names else None


def _is_extension(module: ModuleType) -> bool:
    return str(getattr(module, "__file__", None)).endswith(tuple(EXTENSION_SUFFIXES))


def _is_notebooks(value: object) -> bool:
    """Whether a notebook put it in the place of a builtin, as it does with `open`."""
    return isinstance(value, FunctionType) and value.__globals__.get("__name__", "").startswith("IPython.")


def _is_slot(value: object) -> bool:
    return type(value).__name__ in {
        "member_descriptor", "getset_descriptor", "method_descriptor", "wrapper_descriptor", "method-wrapper",
        "classmethod_descriptor", "_tuplegetter",
    }  # fmt: skip


def _article(cls: type) -> str:
    known = module_of(cls) == "builtins" or is_projects_class(cls)
    name = cls.__qualname__ if known else f"{module_of(cls)}.{cls.__qualname__}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
