"""`mlforge.yaml`: which engine and stores to use where. Only the profile in use is resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mlforge.errors import Invalid, MlforgeError, NotFound, PluginFailed, Unknown, nearest
from mlforge.plugin.config import Config, EngineConfig, OnlineStoreConfig, StoreConfig
from mlforge.plugin.descriptors import EngineDescriptor, ObserverDescriptor, OnlineStoreDescriptor, StoreDescriptor
from mlforge.plugin.observers import ObserverConfig
from mlforge.plugin.registry import registry
from mlforge.project.bounded_yaml import line_in, read_yaml
from mlforge.project.looking import is_there

FILE = "mlforge.yaml"
VARIABLE = "MLFORGE_PROFILE"
_FIELDS: dict[str, Any] = {
    "engine": EngineDescriptor,
    "offline_store": StoreDescriptor,
    "online_store": OnlineStoreDescriptor,
}
_SWITCHES = ("incremental", "quality")
_REFERENCE = re.compile(r"\$\{(?:oc\.)?env:(\w+)(?:,([^}]*))?\}")
_MISSPELLED = re.compile(r"\$\{(?:oc\.)?(?:env:)?(\w+)(?:\}|$)")
"""What was meant to be a reference, and would be a folder's name: without `env:`, or without its end."""
_LOOKING_ON = "observers"
Kind = TypeVar("Kind", EngineDescriptor, StoreDescriptor, OnlineStoreDescriptor, ObserverDescriptor)


class Profile(msgspec.Struct, frozen=True):
    """A profile of `mlforge.yaml`: what it sets; None for what it leaves to the definitions."""

    name: str
    engine: EngineConfig | None = None
    offline_store: StoreConfig | None = None
    online_store: OnlineStoreConfig | None = None
    incremental: bool | None = None
    quality: bool | None = None
    observers: tuple[ObserverConfig, ...] | None = None


class ProfileFile(msgspec.Struct, frozen=True):
    """`mlforge.yaml` as written, unresolved: the default's name and the profiles."""

    path: Path
    profiles: Mapping[str, Mapping[str, Any]]
    default: str | None = None
    target: str | None = None

    def resolve(self, name: str, environment: Mapping[str, str]) -> Profile:
        """A profile with its variables filled in and its settings decoded.

        Raises:
            Unknown: No profile of that name.
            Invalid: A setting that does not fit, with its path; a variable that is not set.
        """
        if name not in self.profiles:
            unknown = Unknown(f"There is no profile {name!r} in {self.path.name}.", hint=nearest(name, self.profiles))
            raise unknown.at(line_in(self.path, ["default_profile"]) if name == self.default else None)
        where = f"profiles.{name}"
        _refuse_unknown(self.profiles[name], (*_FIELDS, *_SWITCHES, _LOOKING_ON), where, self.path)
        settings = {k: self._setting(k, v, where, environment) for k, v in self.profiles[name].items()}
        return Profile(name, **settings)

    def _setting(self, key: str, given: Any, where: str, environment: Mapping[str, str]) -> Any:
        try:
            filled = _fill(given, f"{where}.{key}", environment)
            if key in _SWITCHES:
                return _switch(filled, f"{where}.{key}")
            if key == _LOOKING_ON:
                return observers(filled, f"{where}.{key}")
            return decode_config(filled, _FIELDS[key], f"{where}.{key}")
        except MlforgeError as error:
            error.at(line_in(self.path, ["profiles", where.removeprefix("profiles."), key, *_blamed(error.message)]))
            raise


def read_profiles(root: Path) -> ProfileFile | None:
    """The project's `mlforge.yaml`; None where there is none. Raises `Invalid` where it does not parse."""
    path = root / FILE
    if not is_there(path):
        return None
    given = _parse(path)
    _refuse_unknown(given, ("default_profile", "profiles", "target"), "", path)
    profiles = {} if given.get("profiles") is None else given["profiles"]
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise Invalid(
            f"profiles in {path.name} must be a mapping of mappings.", hint="profiles: {dev: {engine: polars}}"
        )
    default, target = (_word(given.get(key), key, path) for key in ("default_profile", "target"))
    return ProfileFile(path, _named(profiles, path), default, target)


def choose_profile(
    root: Path, asked: str | None, fallback: str | None, environment: Mapping[str, str]
) -> tuple[Profile | None, bool]:
    """The profile in use, and whether somebody asked for it by flag or variable.

    The flag wins over `MLFORGE_PROFILE`, that over the definitions' own, that over `default_profile`.
    """
    found = read_profiles(root)
    name, why = name_profile(found, asked, fallback, environment)
    if name is None:
        return None, False
    if found is None:
        other = root / "mlforge.yml"
        hint = f"Rename {other.name} to {FILE}." if other.exists() else f"Write one in {root.name or root}/."
        raise NotFound(f"There is no {FILE} to take the profile {name!r} from.", hint=hint)
    return found.resolve(name, environment), why in {"flag", "variable"}


def name_profile(
    found: ProfileFile | None, asked: str | None, fallback: str | None, environment: Mapping[str, str]
) -> tuple[str | None, str]:
    """The name of the profile in use and who chose it: `flag`, `variable`, `definitions`, `default` or `nobody`."""
    names = (asked, environment.get(VARIABLE), fallback, found.default if found else None)
    choices = zip(names, ("flag", "variable", "definitions", "default"), strict=True)
    return next(((name, why) for name, why in choices if name), (None, "nobody"))


def decode_config(value: Any, kind: type[Kind], where: str) -> Any:
    """A config from a name (`polars`) or a mapping with `KIND`. Raises `Invalid` with the path of what is wrong."""
    if isinstance(value, Config):
        return value
    if isinstance(value, str):
        value = {"KIND": value}
    if not isinstance(value, dict) or not isinstance(value.get("KIND"), str):
        raise Invalid(f"{where} has no KIND.", hint=f"Say which: {where.rsplit('.', 1)[-1]}: {{KIND: …}}")
    found = registry().get(kind, value["KIND"])
    if (tag := found.config.__struct_config__.tag) != found.name:
        raise PluginFailed(
            f"{where}.KIND: the config of the {found.role} {found.name!r} is tagged {tag!r}.",
            hint=f"Tell its authors: class {found.config.__name__}(…, tag={found.name!r})",
        )
    try:
        return msgspec.convert(value, found.config, strict=False)  # a variable is text, also where a number is meant
    except msgspec.ValidationError as error:
        raise _wrong_setting(where, str(error), found.config.__struct_fields__) from None
    except UnicodeEncodeError:
        raise _half_characters(where, value) from None


def observers(given: Any, where: str) -> tuple[ObserverConfig, ...]:
    """The configs of observers, from a list of names or mappings with `KIND`, or one alone; none of None."""
    listed = given if isinstance(given, list | tuple) else [] if given is None else [given]
    places = [where if listed is not given else f"{where}.{number}" for number in range(len(listed))]
    found = tuple(decode_config(one, ObserverDescriptor, at) for one, at in zip(listed, places, strict=True))
    if strangers := [one for one in found if not isinstance(one, ObserverConfig)]:
        raise Invalid(
            f"{where} has {strangers[0]!r}, which is no observer.", hint="See what is installed: mlforge plugins"
        )
    kinds = [one.kind for one in found]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise Invalid(f"{where} names {twice!r} twice.", hint="Name each observer once.")
    return found


def _half_characters(where: str, settings: Mapping[str, Any]) -> Invalid:
    """The error for a number, a switch or a choice whose text is none: of a variable, its bytes are no UTF-8."""
    name = next((name for name, given in settings.items() if _is_half(given)), None)
    place = where if name is None else f"{where}.{name}"
    return Invalid(f"{place}: expected text, got bytes that are no UTF-8.", hint="Look at the variable that it is of.")


def _is_half(given: Any) -> bool:
    return isinstance(given, str) and given != given.encode(errors="replace").decode()


def _wrong_setting(where: str, said: str, known: Sequence[str]) -> Invalid:
    if unknown := re.search(r"unknown field `(.+?)`", said):
        return Invalid(f"{where} has no setting {unknown[1]!r}.", hint=nearest(unknown[1], known))
    return Invalid(f"{_located(where, said)}.", hint=f"Settings: {', '.join(known) or 'none'}.")


def _blamed(message: str) -> list[str]:
    """The keys inside a setting that a message names: `port` of `profiles.prod.online_store.port: expected …`."""
    unknown = re.search(r"has no setting '(.+?)'", message)
    path = message.split(" ", 1)[0].rstrip(":").split(".")[3:]
    return [unknown[1]] if unknown else path


def _switch(value: Any, where: str) -> bool | None:
    switches = {"true": True, "false": False, "none": None}
    if (word := str(value).lower()) not in switches:
        raise Invalid(f"{where} is {value!r}, neither true nor false.", hint=f"{where.rsplit('.', 1)[-1]}: true")
    return switches[word]


def _located(where: str, message: str) -> str:
    if inside := re.fullmatch(r".+ - at `key` in `\$(.*)`", message):
        return f"{where}{inside[1]}: a key in it is no text"
    text, _, path = message.partition(" - at `$")
    return f"{where}{path.rstrip('`')}: {text[0].lower()}{text[1:]}"


def _parse(path: Path) -> dict[str, Any]:
    given = read_yaml(path)
    if given is not None and not isinstance(given, dict):
        raise Invalid(f"{path.name} must be a mapping.", hint="Start it with: profiles:")
    return given or {}


def _named(profiles: dict[Any, Any], path: Path) -> dict[str, Any]:
    """The profiles. Raises `Invalid` for a name that YAML takes for something else than text."""
    if odd := next((name for name in profiles if not isinstance(name, str)), None):
        raise Invalid(
            f"A profile in {path.name} is called {odd!r}, which YAML takes for {_kind(odd)}.",
            hint=f'Put its name in quotes: "{str(odd).lower()}":',
        )
    if "" in profiles:
        raise Invalid(f"A profile in {path.name} has no name.", hint="profiles: {dev: {engine: polars}}")
    return profiles


def _word(given: Any, key: str, path: Path) -> str | None:
    """What a setting says in one word. Raises `Invalid` for what YAML takes for something else than text."""
    if given is None or isinstance(given, str):
        return given
    hint = {"default_profile": "Name a profile", "target": "Name a file, a module, or file.py:name"}[key]
    raise Invalid(f"{key} in {path.name} is {given!r}, which is no text.", hint=f'{hint}, in quotes: {key}: "…"').at(
        line_in(path, [key])
    )


def _kind(value: Any) -> str:
    return {bool: "true or false", int: "a number", float: "a number"}.get(type(value), "no text")


def _refuse_unknown(given: Mapping[str, Any], known: Any, where: str, path: Path) -> None:
    if unknown := [k for k in given if k not in known]:
        dotted = f"{where}.{unknown[0]}" if where else str(unknown[0])
        wrong = Invalid(f"{dotted} in {path.name} is not a setting.", hint=nearest(str(unknown[0]), known))
        raise wrong.at(line_in(path, dotted.split(".")))


def _fill(value: Any, where: str, environment: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {k: _fill(v, f"{where}.{k}", environment) for k, v in value.items()}
        case list():
            return [_fill(v, f"{where}[{i}]", environment) for i, v in enumerate(value)]
        case str():
            return _filled_text(value, where, environment)
        case _:
            return value


def _filled_text(text: str, where: str, environment: Mapping[str, str]) -> str:
    def look_up(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in environment and default is None:
            raise Invalid(f"{where} needs the variable {name}, which is not set.", hint=f"export {name}=…")
        return environment.get(name, (default or "").strip())

    if wrong := _MISSPELLED.search(_REFERENCE.sub("", text)):
        raise Invalid(
            f"{where} says {wrong[0]}, which stands for nothing.",
            hint=f"For the variable {wrong[1]} write ${{env:{wrong[1]}}}; a text that looks so goes into a variable.",
        )
    return _REFERENCE.sub(look_up, text)
