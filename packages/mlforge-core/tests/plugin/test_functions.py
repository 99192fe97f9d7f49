"""What a function's first annotation asks an engine for."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.plugin.functions import asked, name_of, no_frame
from mlforge.testing.refusals import refused

if TYPE_CHECKING:
    import other
    import scrolls
    import scrolls as sc
    from nowhere import Nowhere

T = TypeVar("T")


class Scroll:
    """A frame."""


class Tablet:
    """Another one."""


class Scrap(Scroll):
    """What no engine hands out."""


def kind_of(function: Any) -> str:
    return asked(function, {Scroll: "scroll", Tablet: "tablet"}, ("sc", "scrolls"), "any", "A Scroll or a Tablet.")


def bare(df): ...
def anything(df: Any): ...
def an_object(df: object): ...
def of_some_type(df: T) -> T: ...
def scroll(df: Scroll): ...
def tablet_first(df: Tablet | Scroll): ...
def perhaps(df: Scroll | None): ...
def noted(df: Annotated[Tablet, "of clay"]): ...
def written(df: Scroll): ...
def typed_only(df: sc.Scroll): ...
def typed_only_by_the_long_name(df: scrolls.Tablet | Nowhere): ...
def stranger(df: Scrap): ...
def strangers_namesake(df: other.Scroll): ...


FOUND = {
    bare: "any", anything: "any", an_object: "any", of_some_type: "any", len: "any",
    scroll: "scroll", tablet_first: "tablet", perhaps: "scroll", noted: "tablet", written: "scroll",
    functools.partial(scroll): "scroll", typed_only: "scroll", typed_only_by_the_long_name: "tablet",
}  # fmt: skip


@pytest.mark.parametrize(("function", "kind"), FOUND.items(), ids=name_of)
def test_the_first_known_frame_of_the_annotation_is_asked_for(function: Any, kind: str) -> None:
    assert kind_of(function) == kind


@pytest.mark.parametrize(("function", "shown"), [(stranger, "Scrap"), (strangers_namesake, "other.Scroll")])
def test_a_strangers_frame_is_refused_as_it_is_written(function: Any, shown: str) -> None:
    with refused(Unsupported, name_of(function), shown, "A Scroll or a Tablet."):
        kind_of(function)


def test_a_function_without_parameters_is_refused() -> None:
    with refused(Invalid, "takes no frame", "def feature(df)"):
        kind_of(lambda: None)


def test_a_result_that_is_no_frame_is_named() -> None:
    assert no_frame(scroll, None, "a Scroll", "…").message == "scroll() returned None."
    assert "returned a builtins.int, not a Scroll" in no_frame(scroll, 3, "a Scroll", "…").message


def test_what_has_no_name_is_called_by_its_type() -> None:
    assert name_of(functools.partial(scroll)) == "partial()"
